"""The names of `avprompt.plugin`: interfaces of parts, option tables, records, errors."""

from avprompt.config.options import LossOptions, Options, ProjectionOptions, PromptOptions, TrainedOptions
from avprompt.data.benchmark import (
    Annotation,
    BenchmarkAdapter,
    BoxCounts,
    LazySequence,
    Media,
    PublishedScores,
)
from avprompt.data.lists import ListedClip, read_json, read_list, read_table
from avprompt.data.media import open_picture, picture_size
from avprompt.data.sources import IMAGE_SUFFIXES, SOUND_SUFFIXES, VIDEO_SUFFIXES, limit_pixels
from avprompt.data.video import picture_length
from avprompt.errors import (
    AvpromptError,
    ConfigError,
    DataError,
    PluginError,
    TrainingError,
    WeightsError,
    suggest,
)
from avprompt.metrics.iou import TruthMasks
from avprompt.metrics.protocol import IoUProtocol, Measurements, Protocol
from avprompt.metrics.scored_maps import ScoredMaps
from avprompt.model.context_prompt import ContextPrompt, LearnedContextOptions, initial_context, start_from
from avprompt.model.grounding import Grounding, resize_maps
from avprompt.model.parts import (
    AlignmentLoss,
    AudioEncoder,
    AudioProjection,
    Backbone,
    Decoder,
    DecoderCheckpoint,
    FrozenPart,
    Masker,
    Part,
)
from avprompt.model.prompt_generator import PromptGenerator, join_prompts, put_tokens
from avprompt.records import (
    Audio,
    AudioFeatures,
    Distractor,
    Frame,
    GroundTruth,
    ImageFeatures,
    Missing,
    Prediction,
    Prompt,
    Sample,
    Split,
)
from avprompt.training.callback import Callback, TrainerState
from avprompt.training.parts import Optimizer, ParameterGroup, Schedule
from avprompt.weights.checkpoint import CheckpointFormat
from avprompt.weights.files import locate, verified_sha256
from avprompt.weights.hub import HubModel
from avprompt.weights.tensors import fill, read_metadata, read_tensors, read_torch_file, write_tensors

__all__ = [
    "IMAGE_SUFFIXES",
    "SOUND_SUFFIXES",
    "VIDEO_SUFFIXES",
    "AlignmentLoss",
    "Annotation",
    "Audio",
    "AudioEncoder",
    "AudioFeatures",
    "AudioProjection",
    "AvpromptError",
    "Backbone",
    "BenchmarkAdapter",
    "BoxCounts",
    "Callback",
    "CheckpointFormat",
    "ConfigError",
    "ContextPrompt",
    "DataError",
    "Decoder",
    "DecoderCheckpoint",
    "Distractor",
    "Frame",
    "FrozenPart",
    "GroundTruth",
    "Grounding",
    "HubModel",
    "ImageFeatures",
    "IoUProtocol",
    "LazySequence",
    "LearnedContextOptions",
    "ListedClip",
    "LossOptions",
    "Masker",
    "Measurements",
    "Media",
    "Missing",
    "Optimizer",
    "Options",
    "ParameterGroup",
    "Part",
    "PluginError",
    "Prediction",
    "ProjectionOptions",
    "Prompt",
    "PromptGenerator",
    "PromptOptions",
    "Protocol",
    "PublishedScores",
    "Sample",
    "Schedule",
    "ScoredMaps",
    "Split",
    "TrainedOptions",
    "TrainerState",
    "TrainingError",
    "TruthMasks",
    "WeightsError",
    "fill",
    "initial_context",
    "join_prompts",
    "limit_pixels",
    "locate",
    "open_picture",
    "picture_length",
    "picture_size",
    "put_tokens",
    "read_json",
    "read_list",
    "read_metadata",
    "read_table",
    "read_tensors",
    "read_torch_file",
    "resize_maps",
    "start_from",
    "suggest",
    "verified_sha256",
    "write_tensors",
]
