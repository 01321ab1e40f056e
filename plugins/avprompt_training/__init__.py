"""What most methods are trained with: schedules, optimizers and callbacks."""

from avprompt.plugin import Register, hookimpl


@hookimpl
def register_schedules(register: Register) -> None:
    register("constant", "avprompt_training.schedules:Constant")
    register("cosine", "avprompt_training.schedules:Cosine")


@hookimpl
def register_optimizers(register: Register) -> None:
    register("adam", "avprompt_training.optimizers:Adam")
    register("adamw", "avprompt_training.optimizers:AdamW")
    register("sgd", "avprompt_training.optimizers:SGD")


@hookimpl
def register_callbacks(register: Register) -> None:
    register("best-checkpoint", "avprompt_training.callbacks:BestCheckpoint")
    register("early-stopping", "avprompt_training.callbacks:EarlyStopping")
    register("ema", "avprompt_training.callbacks:Average")
