"""Writes tests/golden/files.json and the small weight files in tests/golden/files/.

Made with: numpy==2.4.6 safetensors==0.8.0 gguf==0.19.0 torch==2.9.1 transformers==5.23.0
Usage: python tests/golden/files.py <SmolLM2-135M-Instruct.Q4_1.gguf>
"""

import hashlib
import json
import shutil
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf.quants import dequantize, quantize
from safetensors.torch import save_file
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

here = Path(__file__).parent
folder = here / "files"
shutil.rmtree(folder, ignore_errors=True)
folder.mkdir()
golden = {}


def digest(array):
    """What a reader in another language can compare: a few numbers, the sum, and a hash of all float32 bits."""
    flat = np.ascontiguousarray(array, dtype="<f4").reshape(-1)
    return {
        "shape": list(array.shape),
        "first": flat[:4].tolist(),
        "last": flat[-4:].tolist(),
        "sum": float(flat.astype(np.float64).sum()),
        # −0 and 0 are the same number.
        "sha256": hashlib.sha256((flat + np.float32(0)).tobytes()).hexdigest(),
    }


# Rounding of float32 to 16 bits: ties, subnormals, overflow, infinities.
special = [0.0, -0.0, 1.0, -1.0, 65504.0, 65519.996, 65520.0, 1e9, -1e9, 6.103515625e-05, 6.0e-05, 5.9604645e-08]
special += [2.98023224e-08, 2.9802326e-08, 1e-10, 1e-45, float("inf"), float("-inf"), 2049.0, 2051.0, 1.00390625]
special += [1.001953125, 3.3895314e38, 3.4028235e38, 0.1, -0.3, 1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-11, 1 + 3 * 2**-11]
generator = torch.Generator().manual_seed(0)
bits = torch.randint(-(2**31), 2**31 - 1, (2000,), generator=generator, dtype=torch.int64).to(torch.int32)
numbers = torch.cat([torch.tensor(special), bits.view(torch.float32)])
numbers = numbers[~numbers.isnan()]
golden["rounding"] = {
    "bits": numbers.view(torch.int32).tolist(),
    "F16": numbers.to(torch.float16).view(torch.int16).tolist(),
    "BF16": numbers.to(torch.bfloat16).view(torch.int16).tolist(),
}

# Safetensors: one file for each float type, and one with every type mixed. Names out of order on purpose.
normal = torch.randn(5, 7, generator=generator)
for name, dtype in {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}.items():
    tensors = {"z.weight": normal.to(dtype), "a.bias": normal[0].clone().to(dtype), "中文.weight": normal[:2, :3].clone().to(dtype)}
    save_file(tensors, folder / f"{name}.safetensors", metadata={"format": "pt"})
    golden[name] = {key: digest(value.float().numpy()) for key, value in tensors.items()}
mixed = {
    "position_ids": torch.arange(5),
    "half": normal.half(),
    "mask": torch.tensor([True, False, True]),
    "bytes": torch.tensor([1, 2, 3], dtype=torch.uint8),
    "ints": torch.tensor([[1, -2]], dtype=torch.int32),
    "float": normal,
    "double": normal.double(),
    "scalar": torch.tensor(3.5),
    "nothing": torch.zeros(0, 4),
}
save_file(mixed, folder / "mixed.safetensors", metadata={"format": "pt"})
golden["mixed"] = {key: digest(mixed[key].float().numpy()) for key in ["half", "float", "scalar", "nothing"]}

# GGUF: one tensor of each type we read, and one of a type we do not, metadata of every kind.
writer = gguf.GGUFWriter(folder / "types.gguf", "llama")
writer.add_uint8("test.uint8", 200)
writer.add_int8("test.int8", -100)
writer.add_uint16("test.uint16", 60000)
writer.add_int16("test.int16", -30000)
writer.add_uint32("test.uint32", 4000000000)
writer.add_int32("test.int32", -2000000000)
writer.add_uint64("test.uint64", 2**63)
writer.add_int64("test.int64", -5)
writer.add_float32("test.float32", 0.5)
writer.add_float64("test.float64", 0.1)
writer.add_bool("test.bool", True)
writer.add_string("test.string", "你好 👋")
writer.add_array("test.strings", ["a", "", "中"])
writer.add_array("test.numbers", [1, 2, 3])
values = np.random.default_rng(0).standard_normal((3, 64)).astype(np.float32)
types = {t.name: t for t in [gguf.GGMLQuantizationType.Q8_0, gguf.GGMLQuantizationType.Q4_0, gguf.GGMLQuantizationType.Q4_1, gguf.GGMLQuantizationType.BF16, gguf.GGMLQuantizationType.Q5_0]}
golden["gguf"] = {"F32": digest(values), "F16": digest(values.astype(np.float16).astype(np.float32))}
writer.add_tensor("F32", values)
writer.add_tensor("F16", values.astype(np.float16))
for name, kind in types.items():
    packed = quantize(values, kind)
    writer.add_tensor(name, packed, raw_dtype=kind)
    golden["gguf"][name] = digest(dequantize(packed, kind))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()

# Tiny models as transformers writes them.
torch.manual_seed(0)
shared = dict(vocab_size=48, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4)
models = {
    "gpt2": GPT2LMHeadModel(GPT2Config(vocab_size=48, n_positions=40, n_embd=32, n_layer=2, n_head=4, bos_token_id=0, eos_token_id=0)),
    "llama": LlamaForCausalLM(LlamaConfig(**shared, num_key_value_heads=2, max_position_embeddings=40, rope_theta=5000.0)),
    "qwen2": Qwen2ForCausalLM(Qwen2Config(**shared, num_key_value_heads=2, max_position_embeddings=40, tie_word_embeddings=True)),
}
golden["models"] = {}
for name, model in models.items():
    torch.nn.init.normal_(next(iter(model.parameters())))
    model.save_pretrained(folder / name)
    (folder / name / "generation_config.json").unlink(missing_ok=True)
    golden["models"][name] = {key: digest(value.detach().numpy()) for key, value in model.named_parameters()}

# The tiny Llama once more in several shards, and as llama.cpp keeps it: its own names, query and key rows in pairs.
models["llama"].save_pretrained(folder / "llama-sharded", max_shard_size="20KB")
(folder / "llama-sharded" / "generation_config.json").unlink(missing_ok=True)


def permute(weight, heads):
    """llama.cpp, convert_hf_to_gguf.py."""
    rows = weight.shape[0]
    return weight.reshape(heads, 2, rows // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def write_gguf(arch, model, permuted):
    config = model.config
    writer = gguf.GGUFWriter(folder / f"{arch.lower()}.gguf", arch.lower())
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_eos_token_id(2)
    names = gguf.get_tensor_name_map(getattr(gguf.MODEL_ARCH, arch), config.num_hidden_layers)
    tied = config.tie_word_embeddings
    for key, value in model.state_dict().items():
        if tied and key == "lm_head.weight":
            continue
        array = value.numpy()
        if permuted and ".q_proj." in key:
            array = permute(array, config.num_attention_heads)
        if permuted and ".k_proj." in key:
            array = permute(array, config.num_key_value_heads)
        writer.add_tensor(names.get_name(key, try_suffixes=(".weight", ".bias")), np.ascontiguousarray(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


write_gguf("LLAMA", models["llama"], permuted=True)
write_gguf("QWEN2", models["qwen2"], permuted=False)

# The real model: a few tensors of each type that it holds.
reader = gguf.GGUFReader(sys.argv[1])
wanted = {"token_embd.weight", "blk.0.attn_q.weight", "blk.7.ffn_down.weight", "blk.29.attn_norm.weight", "output_norm.weight"}
golden["smollm2"] = {
    tensor.name: {"dtype": tensor.tensor_type.name, **digest(dequantize(tensor.data, tensor.tensor_type))}
    for tensor in reader.tensors
    if tensor.name in wanted
}

(here / "files.json").write_text(json.dumps(golden, ensure_ascii=False) + "\n")
