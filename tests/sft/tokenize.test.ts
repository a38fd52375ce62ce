import { DataError } from "posttrain/errors";
import {
  completionMask,
  instructionPrompt,
  prepareExamples,
  type SftExample,
  tokenizeExample,
  tokenizePrompt,
} from "posttrain/sft";
import { chatMl, decode, type Tokenizer } from "posttrain/tokenizer";
import type { TokenizedExample } from "posttrain/training";
import { beforeAll, describe, expect, it } from "vitest";
import golden from "../golden/sft.json";
import { smallTokenizer } from "./helpers.js";

let chat: Tokenizer;
let plain: Tokenizer;
beforeAll(async () => {
  chat = await smallTokenizer(chatMl);
  plain = await smallTokenizer();
});

const learned = ({ tokenIds, mask }: TokenizedExample, tokenizer: Tokenizer): string =>
  decode(
    tokenizer,
    tokenIds.filter((_, t) => mask[t]),
  );

/** TRL's labels as a mask. */
const maskOf = (labels: number[]): number[] => labels.map((label) => (label === -100 ? 0 : 1));

describe("completionMask", () => {
  it("is 1 inside the spans and 0 outside", () => {
    expect(
      completionMask(7, [
        { start: 1, end: 3 },
        { start: 5, end: 6 },
      ]),
    ).toEqual([0, 1, 1, 0, 0, 1, 0]);
    expect(completionMask(3, { start: 2, end: 3 })).toEqual([0, 0, 1]);
  });

  it("refuses a span that lies outside the sequence", () => {
    expect(() => completionMask(3, { start: 2, end: 4 })).toThrow(/\[2, 4\).*3 tokens/);
  });
});

describe("tokenizeExample", () => {
  it("gives TRL's tokens and mask for a prompt and its completion", () => {
    const { examples, rows } = golden.masks.completions;
    examples.forEach((example, i) => {
      const { tokenIds, mask } = tokenizeExample(chat, example);
      expect(tokenIds).toEqual(rows[i]?.tokenIds);
      expect(mask).toEqual(maskOf(rows[i]?.labels ?? []));
    });
  });

  it("gives TRL's mask for the last turn of a chat, but for the newline that TRL trains after the end of the turn", () => {
    const { examples, rows } = golden.masks.chatCompletions;
    examples.forEach((example, i) => {
      const { tokenIds, mask } = tokenizeExample(chat, example as SftExample);
      expect(tokenIds).toEqual(rows[i]?.tokenIds);
      expect(mask).toEqual([...maskOf(rows[i]?.labels ?? []).slice(0, -1), 0]);
    });
  });

  it("gives TRL's mask for all turns of the assistant", () => {
    const { examples, rows } = golden.masks.chats;
    examples.forEach((example, i) => {
      const { tokenIds, mask } = tokenizeExample(chat, example, { mask: "assistant" });
      expect(tokenIds).toEqual(rows[i]?.tokenIds);
      expect(mask).toEqual(maskOf(rows[i]?.labels ?? []));
    });
  });

  const task = { instruction: "Name a river", input: "in China", output: "长江" };

  it("writes an instruction as a chat when there is a template", () => {
    const example = tokenizeExample(chat, task);
    expect(decode(chat, example.tokenIds)).toBe(
      "<|im_start|>user\nName a river\n\nin China<|im_end|>\n<|im_start|>assistant\n长江<|im_end|>\n",
    );
    expect(learned(example, chat)).toBe("长江<|im_end|>");
  });

  it("writes an instruction under headings when there is none", () => {
    const example = tokenizeExample(plain, task);
    expect(decode(plain, example.tokenIds)).toBe(`${instructionPrompt(task)}长江<|im_end|>`);
    expect(learned(example, plain)).toBe("长江<|im_end|>");
  });

  it("learns only the last answer of a chat by default, everything with a full mask", () => {
    const example = golden.masks.chats.examples[0] as SftExample;
    expect(learned(tokenizeExample(chat, example), chat)).toBe("Runs.<|im_end|>");
    expect(tokenizeExample(chat, example, { mask: "full" }).mask).not.toContain(0);
  });

  it("ends a text with EOS once, also when the text has it already", () => {
    for (const text of ["The sea", "The sea<|im_end|>"]) {
      const example = tokenizeExample(chat, { text });
      expect(decode(chat, example.tokenIds)).toBe("The sea<|im_end|>");
      expect(example.mask).not.toContain(0);
    }
  });

  it("adds EOS to an answer whose template does not close its turn", async () => {
    const open = await smallTokenizer(
      "{% for m in messages %}[{{ m['role'] }}] {{ m['content'] }}{% endfor %}",
    );
    const example = tokenizeExample(open, {
      messages: [
        { role: "user", content: "Hi" },
        { role: "assistant", content: "Yes" },
      ],
    });
    expect(learned(example, open)).toBe("Yes<|im_end|>");
  });

  it("leaves examples alone that are in tokens already, and needs no tokenizer for them", () => {
    const example = { tokenIds: [1, 2], mask: [0, 1] };
    expect(tokenizeExample(undefined, example)).toBe(example);
    expect(() => tokenizeExample(undefined, { text: "x" })).toThrow(/tokenizer/);
  });
});

describe("tokenizePrompt", () => {
  it.each([
    { instruction: "Name a river", output: "Yangtze" },
    { prompt: "The river runs to", completion: " the sea" },
    {
      messages: [
        { role: "user", content: "光?" },
        { role: "assistant", content: "光子" },
      ],
    },
    { prompt: [{ role: "user", content: "光?" }], completion: [{ role: "assistant", content: "光子" }] },
  ] satisfies SftExample[])("is what stands before the answer in training: %o", (example) => {
    for (const tokenizer of "messages" in example || Array.isArray(example.prompt) ? [chat] : [chat, plain]) {
      const { tokenIds, mask } = tokenizeExample(tokenizer, example);
      expect(tokenizePrompt(tokenizer, example)).toEqual(tokenIds.slice(0, mask.indexOf(1)));
    }
  });
});

describe("prepareExamples", () => {
  const options = { mask: "completion" as const, maxLength: 6, vocabSize: 20 };
  const long = { tokenIds: [2, 3, 4, 5, 6, 7, 8, 1], mask: [0, 0, 0, 1, 1, 1, 1, 1] };
  const short = { tokenIds: [2, 3, 1], mask: [0, 1, 1] };

  it("cuts what is too long and reports which", () => {
    const { examples, truncated } = prepareExamples([short, long, short, long], options);
    expect(truncated).toEqual([1, 3]);
    expect(examples[1]).toEqual({ tokenIds: [2, 3, 4, 5, 6, 7], mask: [0, 0, 0, 1, 1, 1] });
  });

  it("refuses an example whose answer is cut off whole, naming it", () => {
    expect(() => prepareExamples([short, long], { ...options, maxLength: 3 })).toThrow(
      /example 1 .* 3 tokens/,
    );
  });

  it.each([
    ["has nothing to learn", { tokenIds: [2, 3], mask: [1, 0] }, /example 1 has nothing to learn/],
    [
      "has a mask of another length",
      { tokenIds: [2, 3], mask: [0, 1, 1] },
      /example 1 has 2 tokens but a mask of 3/,
    ],
    ["has a token the model does not know", { tokenIds: [2, 20], mask: [0, 1] }, /example 1 has token 20/],
    ["needs a tokenizer", { text: "x" }, /example 1: .*tokenizer/],
  ])("refuses an example that %s, naming it", (_, example, message) => {
    expect(() => prepareExamples([short, example], options)).toThrow(message);
  });

  it.each([
    ["nothing", null],
    ["a text by itself", "Say hi"],
    ["other fields", { question: "Hi" }],
    ["half of one", { prompt: "Hi" }],
  ])("refuses an example that is %s, with the forms there are", (_, example) => {
    const examples = [short, example as unknown as SftExample];
    const tokenizing = () => prepareExamples(examples, { ...options, tokenizer: chat });
    expect(tokenizing).toThrow(DataError);
    expect(tokenizing).toThrow(/example 1: .*no form of training data\nHint: Examples are \{ instruction/);
  });

  it("refuses an empty data set", () => {
    expect(() => prepareExamples([], options)).toThrow(/no example/);
  });
});
