"""Writes tests/golden/model.json and the tiny models in tests/golden/model/.

Made with: torch==2.9.1 transformers==5.23.0 safetensors==0.8.0 gguf==0.19.0
Usage: python tests/golden/model.py <SmolLM2-135M-Instruct.Q4_1.gguf>
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)
from transformers.generation.logits_process import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

here = Path(__file__).parent
folder = here / "model"
shutil.rmtree(folder, ignore_errors=True)
torch.set_num_threads(2)
golden = {}


def spread_out(model, generator):
    """Biases and gains that are neither 0 nor 1, so that a forgotten one shows."""
    for name, weight in model.named_parameters():
        scale = 0.2 if weight.dim() == 2 else 0.1
        center = 1.0 if "norm" in name or "ln_" in name else 0.0
        noise = torch.randn(weight.shape, generator=generator) * scale
        weight.data = noise + (center if name.endswith("weight") and weight.dim() == 1 else 0.0)


def tiny(name, model, generator):
    """A model as transformers saves it, with its logits and the gradient of its mean next-token loss."""
    spread_out(model, generator)
    model.eval()
    model.save_pretrained(folder / name)
    for path in (folder / name).iterdir():
        if path.name not in ("config.json", "model.safetensors"):
            path.unlink()
    ids = torch.randint(0, model.config.vocab_size, (2, 9), generator=generator)
    logits = model(ids).logits
    loss = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
    loss.backward()
    answers = {f"gradient.{key}": weight.grad.contiguous() for key, weight in model.named_parameters()}
    answers["logits"] = logits.detach().contiguous()
    save_file(answers, folder / name / "answers.safetensors")
    generated = model.generate(
        ids[:1, :5], attention_mask=torch.ones(1, 5, dtype=torch.long), max_new_tokens=12, do_sample=False,
        repetition_penalty=1.3, eos_token_id=None, pad_token_id=0,
    )
    golden.setdefault("tiny", []).append(
        {
            "name": name,
            "tokenIds": ids.tolist(),
            "loss": loss.item(),
            "penalisedGreedy": {"prompt": ids[0, :5].tolist(), "repetitionPenalty": 1.3, "tokenIds": generated[0, 5:].tolist()},
        }
    )


generator = torch.Generator().manual_seed(0)
shared = {"vocab_size": 61, "bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
tiny("gpt2", GPT2LMHeadModel(GPT2Config(n_positions=32, n_embd=24, n_layer=2, n_head=3, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, **shared)), generator)
sizes = {"hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 2, "max_position_embeddings": 32, **shared}
tiny("llama", LlamaForCausalLM(LlamaConfig(num_attention_heads=6, num_key_value_heads=2, head_dim=8, tie_word_embeddings=False, rms_norm_eps=1e-5, **sizes)), generator)
tiny("qwen2", Qwen2ForCausalLM(Qwen2Config(num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=True, rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0}, **sizes)), generator)

# What sampling does to a row of logits, in the order of `generate`. Removed tokens are -inf: null in the file.
logits = torch.randn(1, 24, generator=generator) * 3
history = torch.tensor([[3, 7, 7, 11, 0]])
golden["sampling"] = {"logits": logits[0].tolist(), "history": history[0].tolist(), "cases": []}
for options in [
    {"repetitionPenalty": 1.4},
    {"temperature": 0.7},
    {"topK": 5},
    {"topP": 0.8},
    {"topP": 0.05},
    {"temperature": 1.6, "topK": 12, "topP": 0.9},
    {"repetitionPenalty": 2.5, "temperature": 0.5, "topK": 20, "topP": 0.6},
]:
    steps = LogitsProcessorList()
    if "repetitionPenalty" in options:
        steps.append(RepetitionPenaltyLogitsProcessor(options["repetitionPenalty"]))
    if "temperature" in options:
        steps.append(TemperatureLogitsWarper(options["temperature"]))
    if "topK" in options:
        steps.append(TopKLogitsWarper(options["topK"]))
    if "topP" in options:
        steps.append(TopPLogitsWarper(options["topP"]))
    probabilities = torch.softmax(steps(history, logits.clone()), dim=-1)[0]
    golden["sampling"]["cases"].append({"options": options, "probabilities": probabilities.tolist()})

# SmolLM2-135M-Instruct from the GGUF file, dequantised by transformers.
path = Path(sys.argv[1])
model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).eval()
prompts = [
    [504, 3575, 282, 4649, 314],
    [1, 9690, 198, 2683, 359, 253, 5356, 5646, 11173, 3365, 3511, 308, 34519, 28, 7018, 411, 407, 19712, 8182, 2, 198, 1, 4093, 198, 1780, 314, 260, 3575, 282, 4649, 47, 2, 198, 1, 520, 9531, 198],
    [788, 719, 7416, 24, 79, 725, 198, 257, 1004, 355],
    [33, 216, 34, 216, 35, 216, 36, 216, 37],
    [20235, 31106, 99, 177, 231, 223, 48, 11001, 7],
]
golden["smollm2"] = []
vocab = model.config.vocab_size
for ids in prompts:
    tokens = torch.tensor([ids])
    with torch.no_grad():
        logits = model(tokens).logits[0]
    # Seven scattered tokens at every position: enough to notice any difference, and small.
    sample = [[(7919 * t + 6151 * k + 13) % vocab for k in range(7)] for t in range(len(ids))]
    top = torch.topk(logits[-1], 10)
    greedy = model.generate(tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=20, do_sample=False, eos_token_id=None, pad_token_id=2)
    golden["smollm2"].append(
        {
            "tokenIds": ids,
            "sampled": [[round(logits[t, i].item(), 5) for i in row] for t, row in enumerate(sample)],
            "top": {"tokenIds": top.indices.tolist(), "logits": [round(x, 5) for x in top.values.tolist()]},
            "greedy": greedy[0, len(ids) :].tolist(),
        }
    )

(here / "model.json").write_text(json.dumps(golden) + "\n")
