"""Benchmarks: adapters from official layouts to samples, and the protocols of the field."""

from avprompt.plugin import Register, hookimpl


@hookimpl
def register_datasets(register: Register) -> None:
    register("toy", "avprompt_benchmarks.toy.adapter:Toy")
    register("toy-openset", "avprompt_benchmarks.toy.adapter:ToyOpenSet")
    register("toy-vague", "avprompt_benchmarks.toy.worlds:ToyVague")
    register("toy-twins", "avprompt_benchmarks.toy.worlds:ToyTwins")
    register("toy-crowd", "avprompt_benchmarks.toy.worlds:ToyCrowd")
    register("vggss", "avprompt_benchmarks.vggss:VGGSS")
    register("vggss-openset", "avprompt_benchmarks.openset:OpenSet")
    register("vggss-heard", "avprompt_benchmarks.openset:Heard")
    register("vggss-unheard", "avprompt_benchmarks.openset:Unheard")
    register("vggss-extended", "avprompt_benchmarks.extended:VGGSSExtended")
    register("flickr", "avprompt_benchmarks.flickr:Flickr")
    register("flickr-extended", "avprompt_benchmarks.extended:FlickrExtended")
    register("avsbench-s4", "avprompt_benchmarks.avsbench:S4")
    register("avsbench-ms3", "avprompt_benchmarks.avsbench:MS3")
    register("avatar", "avprompt_benchmarks.avatar:AVATAR")
    register("folder", "avprompt_benchmarks.folder:Folder")
    register("avsbench-s4-boxes", "avprompt_benchmarks.avsbench_boxes:S4Boxes")
    register("avsbench-ms3-boxes", "avprompt_benchmarks.avsbench_boxes:MS3Boxes")
    register("is3", "avprompt_benchmarks.is3:IS3")
    register("is3-masks", "avprompt_benchmarks.is3:IS3Masks")
    register("vpo-ss", "avprompt_benchmarks.vpo:VPOSS")
    register("vpo-ss-masks", "avprompt_benchmarks.vpo:VPOSSMasks")
    register("vpo-ms", "avprompt_benchmarks.vpo:VPOMS")
    register("vpo-ms-masks", "avprompt_benchmarks.vpo:VPOMSMasks")


@hookimpl
def register_protocols(register: Register) -> None:
    register("val-threshold", "avprompt.metrics.val_threshold:ValThreshold")
    register("acl-sweep", "avprompt_benchmarks.protocols.localisation:AclSweep")
    register("ezvsl-median", "avprompt_benchmarks.protocols.localisation:EzvslMedian")
    register("lvs-median", "avprompt_benchmarks.protocols.localisation:LvsMedian")
    register("kaist-adaptive", "avprompt_benchmarks.protocols.localisation:KaistAdaptive")
    register("kaist-interactive", "avprompt_benchmarks.protocols.interactive:KaistInteractive")
    register("slavc-extended", "avprompt_benchmarks.protocols.extended:SlavcExtended")
    register("avsbench-official", "avprompt_benchmarks.protocols.avsbench:AvsbenchOfficial")
    register("avsbench-dataset", "avprompt_benchmarks.protocols.avsbench:AvsbenchDataset")
    register("negative-audio", "avprompt_benchmarks.protocols.negative:NegativeAudio")
    register("avatar", "avprompt_benchmarks.protocols.avatar:Avatar")
    register("each-source", "avprompt_benchmarks.protocols.sources:EachSource")


@hookimpl
def register_sweeps(register: Register) -> None:
    register("prompt-or-decoder", "avprompt_benchmarks:sweeps/prompt-or-decoder.yaml")
    register("souple-ablation", "avprompt_benchmarks:sweeps/souple-ablation.yaml")
    register("souple-choices", "avprompt_benchmarks:sweeps/souple-choices.yaml")
    register("worlds", "avprompt_benchmarks:sweeps/worlds.yaml")
