"""Contract checks for the authors of plugins: does a part keep what its interface promises?

Each check runs a part on small random inputs and raises an `AssertionError` that names the promise which is
broken. Call them in your tests, with any test runner; nothing is downloaded:

    from avprompt.plugin import LearnedContextOptions
    from avprompt.testing import StandInBackbone, check_prompt_generator
    from my_prompt import NudgedPrompt

    def test_my_prompt_keeps_its_promises():
        backbone = StandInBackbone()
        check_prompt_generator(NudgedPrompt(LearnedContextOptions(), backbone), backbone)

| part | check |
|---|---|
| backbone | `check_backbone(backbone)`, its weights read |
| audio encoder | `check_audio_encoder(encoder)`, its weights read |
| projection | `check_projection(Mine(options, StandInAudioEncoder(), StandInBackbone()))` |
| prompt generator | `check_prompt_generator(Mine(options, backbone), backbone)` |
| decoder | `check_decoder(Mine(options, backbone), backbone)` |
| masker | `check_masker(Mine(options))` |
| loss | `check_loss(Mine(options))` |
| schedule | `check_schedule(Mine(options))` |
| optimizer | `check_optimizer(Mine(options))` |
| callback | `check_callback(Mine(options), Mine(options), folder)`, the second to resume with |
| benchmark | `check_benchmark(Mine(root))`, on a small folder in its layout |
| protocol | `check_protocol(Mine())` |
| checkpoint format | `check_checkpoint_format(Mine(), path, state)`, on trained parts that it has names for |
| weight file | `check_weight_file(MINE)` |
| encoder set | `check_encoder_set("mine")` |
| method | `check_method("mine")`, its name or a YAML file: training on stand-in encoders |
| sweep | `check_sweep("mine")`, its name or a YAML file: every run can be made |

`StandInBackbone`, `StandInAudioEncoder` and `StandInMasker` have the right shapes and no weights.
"""

from avprompt.testing.benchmarks import check_benchmark
from avprompt.testing.checkpoints import check_checkpoint_format
from avprompt.testing.encoders import check_audio_encoder, check_backbone
from avprompt.testing.methods import check_encoder_set, check_method
from avprompt.testing.parts import (
    check_decoder,
    check_loss,
    check_masker,
    check_projection,
    check_prompt_generator,
)
from avprompt.testing.protocols import check_protocol
from avprompt.testing.standins import StandInAudioEncoder, StandInBackbone, StandInMasker
from avprompt.testing.sweeps import check_sweep
from avprompt.testing.training import check_callback, check_optimizer, check_schedule
from avprompt.testing.weights import check_weight_file

__all__ = [
    "StandInAudioEncoder",
    "StandInBackbone",
    "StandInMasker",
    "check_audio_encoder",
    "check_backbone",
    "check_benchmark",
    "check_callback",
    "check_checkpoint_format",
    "check_decoder",
    "check_encoder_set",
    "check_loss",
    "check_masker",
    "check_method",
    "check_optimizer",
    "check_projection",
    "check_prompt_generator",
    "check_protocol",
    "check_schedule",
    "check_sweep",
    "check_weight_file",
]
