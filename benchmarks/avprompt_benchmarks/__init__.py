"""Benchmarks: adapters from official layouts to samples, and the protocols of the field."""

from avprompt import Register, hookimpl


@hookimpl
def register_datasets(register: Register) -> None:
    register("toy", "avprompt_benchmarks.toy.adapter:Toy")
    register("toy-openset", "avprompt_benchmarks.toy.adapter:ToyOpenSet")
    register("vggss", "avprompt_benchmarks.vggss:VGGSS")


@hookimpl
def register_protocols(register: Register) -> None:
    register("val-threshold", "avprompt.metrics.protocols.fixed:ValThreshold")
    register("acl-sweep", "avprompt.metrics.protocols.fixed:AclSweep")
    register("ezvsl-median", "avprompt.metrics.protocols.median:EzvslMedian")
