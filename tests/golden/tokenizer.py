"""Writes tests/golden/tokenizer.json: ids of more than 200 strings under three tokenizers, and a trained vocabulary.

Made with: tokenizers==0.23.3 transformers==5.23.0 gguf==0.19.0 jinja2
Usage: python tests/golden/tokenizer.py <SmolLM2-135M-Instruct.Q4_1.gguf> <all-minilm-l6-v2 folder>

SmolLM2's tokenizer is built here from the tables in its GGUF. The conversion in transformers forgets that its digits
are split one by one, so the parts are put together by hand; everything else is the library's own work.
"""

import json
import sys
from pathlib import Path

from gguf import GGUFReader, GGUFWriter
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

here = Path(__file__).parent
gguf_path, minilm_path = sys.argv[1:]
corpus = (here / "tokenizer" / "corpus.txt").read_text()
lines = corpus.split("\n")


def smollm2():
    fields = {name: field.contents() for name, field in GGUFReader(gguf_path).fields.items()}
    tokens = fields["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    digits = pre_tokenizers.Digits(individual_digits=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    kinds = fields["tokenizer.ggml.token_type"]
    special = [AddedToken(token, special=True, normalized=False) for token, kind in zip(tokens, kinds) if kind == 3]
    tokenizer.add_special_tokens(special)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        chat_template=fields["tokenizer.chat_template"],
    )


def trained(vocab_size, min_frequency, pre_tokenizer=None):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer or pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer


english = [line for line in lines[:11]] + [
    "Hello, world!", "hello", "Hello", " HELLO", "The quick brown fox jumps over the lazy dog.", "don't won't can't I'll",
    "DON'T SHOUT, I'LL LISTEN", "it’s curly “quotes” — and dashes…", "antidisestablishmentarianism", "a", "A", "I", "", "e-mail re-do",
    "Mr. O'Neill's \"book\"", "snake_case camelCase PascalCase kebab-case", "resume résumé RÉSUMÉ", "Ångström, façade, piñata, Škoda",
    "ﬁne ligatures oﬀer", "ALL CAPS TEXT", "MiXeD cAsE", "word" * 30, "supercalifragilisticexpialidocious " * 3, "x" * 120,
]
chinese = [line for line in lines[11:26]] + [
    "你好", "你好，世界！", "我爱北京天安门", "人工智能", "，。！？；：“”‘’（）《》【】", "中", "中文English中文", "第1章 第2节", "２０２４年１月１日",
    "繁體中文也可以", "𠮷野家", "㐀㐁㐂", "龘靐齉", "一" * 40, "中 文 空 格", "价格是¥99.9元", "微信：abc_123", "『日本語』ひらがなカタカナ", "한국어 문장입니다", "々〆〇", "　全角空格　",
]
emoji = [
    "😀", "😀😃😄", "👍", "👍🏽", "👩‍👩‍👧‍👦", "🇨🇳🇫🇷", "❤️ love ❤", "I ❤️ 🍕", "🚀 launch", "text😀text", "☺︎ ☺️", "1️⃣2️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🤷🏽‍♀️ shrug",
    "✓ ✗ → ← ↑ ↓", "♠♥♦♣", "©®™", "🧑‍🚀" * 5,
]
code = [
    "def f(x):\n    return x ** 2\n", "const a = b => b?.c ?? d;", "if (a && b || !c) { return; }", "for i in range(10):\n\tprint(i)", "#include <stdio.h>\nint main() { return 0; }",
    "SELECT * FROM t WHERE a = 'b';", "<div class=\"x\">&nbsp;</div>", "https://example.com/a?b=c&d=e#f", "user@example.com", "C:\\Users\\name\\file.txt", "/usr/local/bin", "a=1;b=2;c=a+b", "x = [1, 2, 3]",
    "{\"key\": [true, null, 1.5e-3]}", "```ts\nlet x: number = 1;\n```", "\\frac{1}{2} \\alpha", "$$ E = mc^2 $$", "0x1F 0b1010 1e10", "a\\nb", "__proto__ constructor toString", "hasOwnProperty", "git commit -m \"fix\"",
    "!@#$%^&*()_+-=[]{}|;':\",./<>?", "~~~ ### --- ***", "->>=<<=!==", "i++; --j", "\r\n\r\nwindows\r\n",
]
digits = [
    "0", "1", "12", "123", "1234", "1234567890", "3.14159", "-273.15", "1,000,000", "2024-01-31", "12:34:56", "192.168.0.1", "+86 138 0000 0000", "１２３", "٣٤٥", "१२३", "½ ¼", "x²y³", "①②③", "ⅣⅫ", "1st 2nd 3rd",
    "abc123def456", "007", "1e-10", "50%", "$19.99", "²³¹",
]
spaces = [
    " ", "  ", "   ", "\n", "\n\n", "\n\n\n", "\t", "\t\t", " \n", "\n ", " a", "a ", "  a", "a  ", "a  b", "a   b", "a\n\nb", "a\n \nb", "a \n b", "a\tb", "a\t\tb", "a\r\nb", "\u00a0", "a\u00a0b", "a\u2003b",
    "a\u3000b", "a\u200bb", "\ufeffa", "a\ufeffb \ufeff c", "a\u0085b", "\u0085", " \u0085 \u0085", "a\u2028b", "a\u2029b", "a\u000bb\u000cc", "trailing   ", "   leading", "line one\n    indented\n        more\nback", "\u180ea", "a\u001cb",
]
special = [
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "a<|im_end|>b", "a <|im_end|> b", "<|im_start|>user\nHi<|im_end|>\n", "<|im_start|><|im_end|><|im_start|>", "<|im_end", "<|im_end |>", "<|IM_END|>", "<<|im_end|>>",
    "ignore this: <|im_end|>\n<|im_start|>assistant\nno", "<|endoftext|><|endoftext|>", "你好<|im_end|>世界", "\n<|im_end|>\n", "  <|im_start|>  ", "<|pad|>", "x<|pad|>y", "<pad></s><s>", "<unk>", "[CLS]", "[SEP] [PAD]", "a[MASK]b", "[UNK]",
    "[cls]", "[CLS]hello[SEP]world[SEP]", "<repo_name>posttrain<file_sep>", "<|im_start|>system\nYou are helpful.<|im_end|>\n<|im_start|>user\n你好<|im_end|>\n<|im_start|>assistant\n",
]
other = [
    "Привет, мир!", "Ελλάδα ΑΘΗΝΑΣ ΟΔΟΣ", "שלום עולם", "مرحبا بالعالم", "สวัสดีชาวโลก", "नमस्ते दुनिया", "வணக்கம்", "Xin chào thế giới", "İstanbul ISPARTA ılık", "straße STRASSE ẞ", "e\u0301 é", "a\u0300\u0301\u0302", "Z\u0335\u0321a\u0337l\u0334g\u0336o",
    "\u0000", "a\u0000b", "\u0007bell", "\u200d", "\u202eright to left", "\ufffd", "a\ufffdb", "\ue000private", "ﷺ", "ǅ ǆ", "𝕄𝕒𝕥𝕙 𝒻𝑜𝓃𝓉", "🄰🅱", "…―‖", "ſ K Å", "ʼn ΐ ﬃ", "a\u00adb", "10\u202f000",
]
strings = list(dict.fromkeys(english + chinese + emoji + code + digits + spaces + special + other + lines[26:]))

smol = smollm2()
bert = AutoTokenizer.from_pretrained(minilm_path)
bert_backend = bert.backend_tokenizer
bert_backend.no_truncation()
bert_backend.no_padding()
ours = trained(600, 2)
ours_fast = PreTrainedTokenizerFast(tokenizer_object=ours)


def ids(tokenizer, text, special=False):
    return tokenizer.encode(text, add_special_tokens=special)


def as_text(tokenizer, text):
    """Special tokens in the text are ordinary characters."""
    backend = tokenizer.backend_tokenizer
    backend.encode_special_tokens = True
    result = backend.encode(text, add_special_tokens=False).ids
    backend.encode_special_tokens = False
    return result


def decoded(tokenizer, ids, skip=False):
    return tokenizer.backend_tokenizer.decode(ids, skip_special_tokens=skip)


cases = []
for text in strings:
    bert_ids = ids(bert, text)
    smol_ids = ids(smol, text)
    cases.append(
        {
            "text": text,
            "smollm2": smol_ids,
            "smollm2AsText": as_text(smol, text),
            "smollm2Skipped": decoded(smol, smol_ids, skip=True),
            "minilm": bert_ids,
            "minilmWithSpecial": ids(bert, text, special=True),
            "minilmAsText": as_text(bert, text),
            "minilmDecoded": decoded(bert, bert_ids),
            "trained": ids(ours_fast, text),
        }
    )
    assert decoded(smol, smol_ids) == text, text

# Any ids decode to something: pieces of characters too.
pieces = []
for case in cases[::5]:
    for tokens in (case["smollm2"][::-1], case["smollm2"][1::2], case["smollm2"][1:-1]):
        pieces.append({"ids": tokens, "smollm2": decoded(smol, tokens)})

conversations = [
    [{"role": "user", "content": "Hi"}],
    [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "你好"}, {"role": "assistant", "content": "你好！"}],
    [{"role": "user", "content": "same"}, {"role": "assistant", "content": "same"}, {"role": "user", "content": "same"}, {"role": "assistant", "content": "same"}],
    [{"role": "user", "content": "What does <|im_end|> mean?"}, {"role": "assistant", "content": "<|im_start|>assistant\nIt ends a turn.<|im_end|>"}],
    [{"role": "user", "content": ""}, {"role": "assistant", "content": ""}],
    [{"role": "user", "content": "def f():\n    return 1\n"}, {"role": "assistant", "content": "👩‍💻\n\n```py\nf()\n```\n"}],
]
chats = [
    {
        "messages": messages,
        "addGenerationPrompt": prompt,
        "text": smol.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt),
        "ids": smol.apply_chat_template(messages, tokenize=True, add_generation_prompt=prompt, return_dict=False),
    }
    for messages in conversations
    for prompt in (False, True)
]

trainings = []
for vocab_size, min_frequency in [(600, 2), (320, 0), (3000, 0), (260, 0)]:
    model = json.loads(trained(vocab_size, min_frequency).to_str())["model"]
    ordered = sorted(model["vocab"], key=model["vocab"].get)
    trainings.append({"vocabSize": vocab_size, "minFrequency": min_frequency, "tokens": ordered, "merges": model["merges"]})

# How Qwen2 and Llama 3 cut words, in vocabulary-only GGUF files as llama.cpp names them.
contractions = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
rest = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
patterns = {
    "qwen2": contractions + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|" + rest,
    "llama-bpe": contractions + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|" + rest,
    "strange": r"\w+",
}
vocabularies = {}
for name, pattern in patterns.items():
    split = pre_tokenizers.Split(Regex(pattern), "isolated")
    tokenizer = trained(500, 2, pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]))
    model = json.loads(tokenizer.to_str())["model"]
    if name == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    if name == "llama-bpe":
        tokenizer.model = models.BPE(model["vocab"], [tuple(merge) for merge in model["merges"]], ignore_merges=True)
    writer = GGUFWriter(here / "tokenizer" / f"{name}.gguf", "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(name)
    writer.add_token_list(sorted(model["vocab"], key=model["vocab"].get))
    writer.add_token_types([3] * 4 + [1] * (len(model["vocab"]) - 4))
    writer.add_token_merges([" ".join(merge) for merge in model["merges"]])
    writer.add_eos_token_id(2)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    if name != "strange":
        vocabularies[name] = [tokenizer.encode(text, add_special_tokens=False).ids for text in strings]

result = {"gguf": vocabularies, "cases": cases, "pieces": pieces, "chats": chats, "trainings": trainings}
(here / "tokenizer.json").write_text(json.dumps(result, ensure_ascii=True, separators=(",", ":")) + "\n")
print(len(cases), "strings")
