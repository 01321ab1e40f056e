"""Benchmarks: adapters from official layouts to samples, and the protocols of the field."""

from avprompt import Register, hookimpl


@hookimpl
def register_datasets(register: Register) -> None:
    register("toy", "avprompt_benchmarks.toy.adapter:Toy")
    register("toy-openset", "avprompt_benchmarks.toy.adapter:ToyOpenSet")
    register("vggss", "avprompt_benchmarks.vggss:VGGSS")
    register("vggss-openset", "avprompt_benchmarks.openset:OpenSet")
    register("vggss-heard", "avprompt_benchmarks.openset:Heard")
    register("vggss-unheard", "avprompt_benchmarks.openset:Unheard")


@hookimpl
def register_protocols(register: Register) -> None:
    register("val-threshold", "avprompt.metrics.protocols.fixed:ValThreshold")
    register("acl-sweep", "avprompt.metrics.protocols.fixed:AclSweep")
    register("ezvsl-median", "avprompt.metrics.protocols.median:EzvslMedian")
    register("lvs-median", "avprompt.metrics.protocols.median:LvsMedian")
    register("kaist-adaptive", "avprompt.metrics.protocols.median:KaistAdaptive")
    register("kaist-interactive", "avprompt.metrics.protocols.interactive:KaistInteractive")
    register("slavc-extended", "avprompt.metrics.protocols.extended:SlavcExtended")
    register("avsbench-official", "avprompt.metrics.protocols.avsbench:AvsbenchOfficial")
    register("avsbench-dataset", "avprompt.metrics.protocols.avsbench:AvsbenchDataset")
    register("negative-audio", "avprompt.metrics.protocols.negative:NegativeAudio")
    register("avatar", "avprompt.metrics.protocols.avatar:Avatar")
