"""A tracker: losses and learning rate of every step, and validation scores, in the run's tracker.csv.

avprompt run souple --plugin docs/examples/csv_tracker.py --set training.callbacks.csv={}
"""

from avprompt.plugin import Callback, hookimpl


class CsvTracker(Callback):
    def on_train_start(self, state):
        self.path = state.folder / "tracker.csv"
        rows = self.path.read_text().splitlines()[1:] if state.step else []
        rows = [row for row in rows if int(row.split(",")[0]) <= state.step]  # --resume repeats the rest
        if state.main:
            self.path.write_text("\n".join(["step,name,value", *rows, ""]))

    def on_step(self, state):
        step = {**state.losses, "learning_rate": state.learning_rate}
        numbers = {state.headline: state.score} if state.scores else step
        if state.main:
            with self.path.open("a") as file:
                file.writelines(f"{state.step},{name},{value}\n" for name, value in numbers.items())

    on_validate = on_step  # its state has scores


@hookimpl
def register_callbacks(register):
    register("csv", CsvTracker)
