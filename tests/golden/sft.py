"""Writes sft.json and sft-tokenizer.json: SFT runs, token masks and packing as TRL does them.

Ran with torch==2.9.1, transformers==5.23.0, trl==1.16.0, tokenizers as they require, datasets as they require.
"""

import json
import math
import tempfile
from pathlib import Path

import torch
from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import SFTConfig, SFTTrainer, pack_dataset

HERE = Path(__file__).parent
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>"]
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' }}"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
    "{% else %}{{ message['content'] + '<|im_end|>' }}{% endif %}{{ '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
TEXTS = [
    "What is light made of? Light is made of photons, little grains of energy.",
    "相对论是爱因斯坦的理论，光速对所有人都一样。",
    "Repeat the word river. The river runs to the sea, and the sea is wide.",
]


def tokenizer():
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=330, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    bpe.train_from_iterator(TEXTS, trainer)
    bpe.save(str(HERE / "sft-tokenizer.json"))
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token="<|im_end|>", pad_token="<|pad|>", chat_template=TEMPLATE
    )


def model(vocab):
    """A tiny Llama whose weights follow from a formula, so that the test can make the same."""
    config = LlamaConfig(
        vocab_size=vocab,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=4,
        max_position_embeddings=64,
        rms_norm_eps=1e-6,
        rope_theta=10000.0,
        tie_word_embeddings=True,
    )
    llama = LlamaForCausalLM(config)
    with torch.no_grad():
        for k, (name, parameter) in enumerate(sorted(llama.named_parameters())):
            i = torch.arange(parameter.numel(), dtype=torch.float64)
            wave = torch.sin(0.7 * i + k * k).reshape(parameter.shape)
            parameter.copy_(1 + 0.1 * wave if parameter.dim() == 1 else 0.3 * wave)
    return llama


def counting(count):
    examples = []
    for i in range(count):
        first = 2 + (i % 9)
        ids = [first, first + 1, first + 2, *[first + 3 + j for j in range(2 + i % 5)], 1]
        examples.append({"input_ids": ids, "labels": [-100] * 3 + ids[3:]})
    return examples


def run(name, batch, accumulation, **options):
    data = Dataset.from_list(counting(batch * accumulation))
    with tempfile.TemporaryDirectory() as folder:
        trainer = SFTTrainer(
            model=model(23),
            processing_class=tok,
            train_dataset=data,
            eval_dataset=Dataset.from_list(counting(5)),
            args=SFTConfig(
                output_dir=folder,
                per_device_train_batch_size=batch,
                gradient_accumulation_steps=accumulation,
                per_device_eval_batch_size=5,
                eval_strategy="steps",
                eval_steps=10,
                max_steps=10,
                logging_steps=1,
                max_length=64,
                use_cpu=True,
                bf16=False,
                gradient_checkpointing=False,
                report_to="none",
                save_strategy="no",
                disable_tqdm=True,
                learning_rate=3e-2,
                warmup_steps=2,
                **options,
            ),
        )
        trainer.train()
    keys = ["loss", "grad_norm", "learning_rate", "entropy", "mean_token_accuracy", "num_tokens", "epoch"]
    logs = [{key: log[key] for key in keys} for log in trainer.state.log_history if "loss" in log]
    evaluation = next(log for log in trainer.state.log_history if "eval_loss" in log)
    return {
        "name": name,
        "batchSize": batch,
        "gradientAccumulationSteps": accumulation,
        "schedule": options["lr_scheduler_type"],
        "weightDecay": options["weight_decay"],
        "maxGradNorm": options["max_grad_norm"],
        "labelSmoothing": options.get("label_smoothing_factor", 0.0),
        "logs": logs,
        "evaluation": {key: evaluation[key] for key in ["eval_loss", "eval_entropy", "eval_mean_token_accuracy"]},
    }


def labels(examples, **options):
    with tempfile.TemporaryDirectory() as folder:
        arguments = SFTConfig(
            output_dir=folder, use_cpu=True, bf16=False, report_to="none", shuffle_dataset=False, **options
        )
        trainer = SFTTrainer(
            model=model(len(tok)),
            processing_class=tok,
            train_dataset=Dataset.from_list(examples),
            args=arguments,
        )
        return [{"tokenIds": row["input_ids"], "labels": row["labels"]} for row in trainer.train_dataset]


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


tok = tokenizer()
completions = [
    {"prompt": "What is light made of?", "completion": " Light is made of photons."},
    {"prompt": "爱因斯坦：", "completion": "光速对所有人都一样。"},
    {"prompt": "Repeat the word river.\n", "completion": "river"},
]
chat_completions = [
    {"prompt": [user("What is light?")], "completion": [assistant("Grains of energy.")]},
    {
        "prompt": [{"role": "system", "content": "简短回答。"}, user("相对论"), assistant("理论"), user("谁的？")],
        "completion": [assistant("爱因斯坦的。")],
    },
]
chats = [
    {"messages": [user("Hello"), assistant("The sea is wide."), user("And the river?"), assistant("Runs.")]},
    {"messages": [{"role": "system", "content": "Be brief."}, user("光"), assistant("光子")]},
]
lengths = [5, 60, 33, 12, 64, 7, 7, 41, 28, 19, 3, 50, 22, 2, 36, 14, 14, 9]

golden = {
    "runs": [
        run("linear, clipped", 6, 1, lr_scheduler_type="linear", weight_decay=0.1, max_grad_norm=0.5),
        run(
            "cosine, smoothed",
            6,
            1,
            lr_scheduler_type="cosine",
            weight_decay=0.0,
            max_grad_norm=1.0,
            label_smoothing_factor=0.1,
        ),
        run("constant, accumulated", 3, 4, lr_scheduler_type="constant_with_warmup", weight_decay=0.01, max_grad_norm=0.0),
    ],
    "masks": {
        "completions": {"examples": completions, "rows": labels(completions)},
        "chatCompletions": {"examples": chat_completions, "rows": labels(chat_completions)},
        "chats": {"examples": chats, "rows": labels(chats, assistant_only_loss=True)},
    },
    "packing": {
        "lengths": lengths,
        "rowLength": 64,
        "rows": pack_dataset(
            Dataset.from_dict({"input_ids": [[0] * n for n in lengths]}), 64, strategy="bfd"
        )["seq_lengths"],
    },
}


def plain(value):
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)) or type(value).__name__ == "Column":
        return [plain(item) for item in value]
    assert not (isinstance(value, float) and math.isnan(value))
    return value


(HERE / "sft.json").write_text(json.dumps(plain(golden), ensure_ascii=False) + "\n")
