"""What most methods are trained with: schedules of the learning rate, and optimizers."""

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
