"""Writes tests/golden/lora.json and the adapters in tests/golden/lora/, trained on the tiny models in tests/golden/model/.

Made with: torch==2.9.1 transformers==5.23.0 peft==0.21.2 safetensors==0.8.0
Usage: python tests/golden/lora.py
"""

import json
import os
import shutil
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
here = Path(__file__).parent
os.chdir(here)  # so that adapters name their base model by a path that is the same everywhere

import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraLayer
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

folder = Path("lora")
shutil.rmtree(folder, ignore_errors=True)
torch.set_num_threads(1)
tiny = {case["name"]: torch.tensor(case["tokenIds"]) for case in json.loads(Path("model.json").read_text())["tiny"]}
generator = torch.Generator().manual_seed(5)
torch.manual_seed(6)  # PEFT draws A from the global one
names = ["first", "second", "third"]
golden = {"adapters": [], "starts": [], "combinations": []}


def noise(tensor, scale):
    return torch.randn(tensor.shape, generator=generator) * scale


def base(name):
    return AutoModelForCausalLM.from_pretrained(f"model/{name}", dtype=torch.float32).eval()


def train_a_bit(model):
    """Moves everything that trains away from where it started; B would otherwise hide A."""
    for name, weight in model.named_parameters():
        if not weight.requires_grad:
            continue
        if "magnitude" in name:
            weight.data *= 1 + noise(weight, 0.2)
        else:
            weight.data += noise(weight, 0.15)


def plain(name, adapter="default"):
    """The name that a weight has in an adapter's file."""
    return name.replace(f".{adapter}", "").removesuffix("lora_magnitude_vector.weight") + (
        "lora_magnitude_vector" if name.endswith(f"lora_magnitude_vector.{adapter}.weight") else ""
    )


def layers(model):
    """Path in the base model → adapted layer."""
    return {
        name.removeprefix("base_model.model."): module
        for name, module in model.named_modules()
        if isinstance(module, LoraLayer)
    }


def out_in(layer, weight):
    return weight.T if layer.fan_in_fan_out else weight


def save_adapter(model, name, **options):
    model.save_pretrained(folder / name, **options)
    for path in (folder / name).iterdir():
        if path.name not in ("adapter_config.json", "adapter_model.safetensors"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    path = folder / name / "adapter_config.json"
    config = json.loads(path.read_text())
    for key in ("target_modules", "exclude_modules"):  # sets, which Python writes in another order every time
        if isinstance(config[key], list):
            config[key] = sorted(config[key])
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def answers_of(model, ids):
    """Logits, and the gradient of the mean next-token loss in everything that trains."""
    model.zero_grad()
    logits = model(ids).logits
    loss = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
    loss.backward()
    answers = {"logits": logits.detach()}
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            answers[f"gradient.{plain(name)}"] = weight.grad
    return loss.item(), answers


def adapter(name, model_name, **config):
    """An adapter as PEFT saves it, with what the model computes with it and its weights after merging."""
    model = get_peft_model(base(model_name), LoraConfig(task_type="CAUSAL_LM", **config))
    train_a_bit(model)
    save_adapter(model, name)
    ids = tiny[model_name]
    loss, answers = answers_of(model, ids)
    found = layers(model)
    scales = {path: layer.scaling["default"] for path, layer in found.items()}
    merged = model.merge_and_unload(safe_merge=True)
    weights = merged.state_dict()
    for path in found:
        answers[f"merged.{path}.weight"] = weights[f"{path}.weight"]
    difference = (merged(ids).logits - answers["logits"]).abs().max().item()
    assert difference < 1e-4, (name, difference)
    save_file({key: value.contiguous().clone() for key, value in answers.items()}, folder / name / "answers.safetensors")
    golden["adapters"].append({"name": name, "model": model_name, "loss": loss, "scales": scales})


adapter("llama-lora", "llama", r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"])
adapter("llama-all-linear", "llama", r=3, lora_alpha=12, target_modules="all-linear")
adapter("llama-rslora", "llama", r=4, lora_alpha=8, use_rslora=True, target_modules="all-linear")
adapter("llama-dora", "llama", r=4, lora_alpha=6, use_dora=True, target_modules="all-linear")
adapter("llama-regular-expression", "llama", r=2, target_modules=r".*layers\.1\.self_attn\.[qk]_proj")
adapter("llama-excluded", "llama", r=2, target_modules="all-linear", exclude_modules=["down_proj", "layers.0.self_attn.o_proj"])
adapter(
    "llama-patterns",
    "llama",
    r=2,
    lora_alpha=4,
    use_rslora=True,
    target_modules=["q_proj", "v_proj", "up_proj"],
    rank_pattern={"q_proj": 5, r"layers\.1\.mlp\.up_proj": 3},
    alpha_pattern={"v_proj": 10, r"model.layers.0.self_attn.q_proj": 1},
)
adapter("llama-modules-to-save", "llama", r=2, target_modules=["q_proj"], modules_to_save=["lm_head", "norm"])
adapter("llama-head", "llama", r=2, target_modules=["q_proj", "lm_head"])
adapter("gpt2-lora", "gpt2", r=4, lora_alpha=8, target_modules=["c_attn", "c_proj", "c_fc"], fan_in_fan_out=True)
adapter("gpt2-rslora", "gpt2", r=4, lora_alpha=8, use_rslora=True, target_modules=["c_attn"], fan_in_fan_out=True)
adapter("gpt2-dora", "gpt2", r=3, lora_alpha=3, use_dora=True, target_modules=["c_attn", "mlp.c_proj"], fan_in_fan_out=True)
adapter("gpt2-bias-all", "gpt2", r=2, bias="all", target_modules=["c_attn"], fan_in_fan_out=True)
adapter("gpt2-bias-lora-only", "gpt2", r=2, bias="lora_only", target_modules=["c_attn", "c_fc"], fan_in_fan_out=True)
# Of GPT-2's tied weight PEFT only recognises the head's name.
adapter("gpt2-tied-copy", "gpt2", r=2, target_modules=["c_attn"], modules_to_save=["lm_head"], ensure_weight_tying=True, fan_in_fan_out=True)
adapter("qwen2-tied-copy", "qwen2", r=2, target_modules=["q_proj"], modules_to_save=["embed_tokens"], ensure_weight_tying=True)
adapter("qwen2-lora", "qwen2", r=4, lora_alpha=8, target_modules="all-linear")


def start(name, model_name, **config):
    """Initialisations that take a part of the base's weight: the part, and the adapter saved in PEFT's two ways."""
    model = get_peft_model(base(model_name), LoraConfig(task_type="CAUSAL_LM", **config))
    initial = folder / f"{name}-initial"
    model.save_pretrained(initial)
    parts = {
        f"part.{path}": layer.scaling["default"] * layer.lora_B["default"].weight @ layer.lora_A["default"].weight
        for path, layer in layers(model).items()
    }
    train_a_bit(model)
    save_adapter(model, name)
    loss, answers = answers_of(model, tiny[model_name])
    answers.update(parts)
    save_file({key: value.detach().contiguous().clone() for key, value in answers.items()}, folder / name / "answers.safetensors")
    save_adapter(model, f"{name}-converted", path_initial_model_for_weight_conversion=str(initial))
    shutil.rmtree(initial)
    golden["starts"].append({"name": name, "model": model_name, "loss": loss})


start("llama-pissa", "llama", r=4, lora_alpha=8, init_lora_weights="pissa", target_modules="all-linear")
start("gpt2-pissa", "gpt2", r=3, lora_alpha=6, init_lora_weights="pissa", target_modules=["c_attn", "c_fc"], fan_in_fan_out=True)
start("llama-olora", "llama", r=4, lora_alpha=4, init_lora_weights="olora", target_modules=["q_proj", "down_proj"])


def combine(name, model_name, configs, combinations):
    """Adapters of one model, and what `add_weighted_adapter` makes of them."""
    first, *others = configs
    model = get_peft_model(base(model_name), LoraConfig(task_type="CAUSAL_LM", **first), adapter_name=names[0])
    for one, config in zip(names[1:], others):
        model.add_adapter(one, LoraConfig(task_type="CAUSAL_LM", **config))
    adapters = names[: len(configs)]
    for one in adapters:
        model.set_adapter(one)
        train_a_bit(model)
        model.save_pretrained(folder / name, selected_adapters=[one])
    (folder / name / "README.md").unlink()
    for one in adapters:
        path = folder / name / one / "adapter_config.json"
        config = json.loads(path.read_text())
        config["target_modules"] = sorted(config["target_modules"])
        path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    for number, (kind, weights, rank) in enumerate(combinations):
        new = f"new{number}"
        options = {} if rank is None else {"svd_rank": rank}
        model.add_weighted_adapter(adapters, weights, new, combination_type=kind, **options)
        model.set_adapter(new)
        answers = {"logits": model(tiny[model_name]).logits.detach()}
        for path, layer in layers(model).items():
            if new in layer.lora_A:
                answers[f"change.{path}"] = out_in(layer, layer.get_delta_weight(new)).detach()
        case = f"{name}-{number}-{kind}"
        save_file({key: value.contiguous().clone() for key, value in answers.items()}, folder / f"{case}.safetensors")
        golden["combinations"].append(
            {"name": case, "folder": name, "model": model_name, "adapters": adapters, "combination": kind, "weights": weights, "rank": rank}
        )


combine(
    "combined-llama",
    "llama",
    [
        {"r": 3, "lora_alpha": 6, "target_modules": ["q_proj", "v_proj"]},
        {"r": 3, "lora_alpha": 3, "target_modules": ["v_proj", "up_proj"], "use_rslora": True},
    ],
    [("cat", [0.7, 0.4], None), ("svd", [0.7, 0.4], None), ("svd", [1.0, -0.5], 2), ("linear", [0.7, 0.4], None), ("linear", [1.0, -0.5], None)],
)
combine(
    "combined-gpt2",
    "gpt2",
    [
        {"r": 2, "lora_alpha": 4, "target_modules": ["c_attn"], "fan_in_fan_out": True},
        {"r": 3, "lora_alpha": 3, "target_modules": ["c_attn"], "fan_in_fan_out": True},
        {"r": 1, "lora_alpha": 2, "target_modules": ["c_attn", "c_fc"], "fan_in_fan_out": True},
    ],
    [("cat", [1.0, -0.5, 0.25], None), ("svd", [1.0, -0.5, 0.25], None)],
)

Path("lora.json").write_text(json.dumps(golden) + "\n")
