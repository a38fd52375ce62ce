import { type NativeBackend, nativeBackend, tf, useBackend } from "posttrain/backend";
import {
  createDecoder,
  type Decoder,
  type GenerateOptions,
  generate,
  generateStream,
  loadDecoder,
} from "posttrain/model";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROUTES } from "../backend/compile/native.js";
import golden from "../golden/model.json";
import { goldenFolder, tiny } from "./helpers.js";

let decoders: Record<string, Decoder>;
let llama: Decoder;

beforeAll(async () => {
  await useBackend();
  const names = golden.tiny.map(({ name }) => name);
  const loaded = names.map(async (name) => [name, await loadDecoder(goldenFolder(name))] as const);
  decoders = Object.fromEntries(await Promise.all(loaded));
  llama = decoders.llama as Decoder;
});
afterAll(() => {
  for (const decoder of Object.values(decoders)) decoder.dispose();
});

/** Greedy continuation by computing the whole sequence anew for every token. */
function withoutMemory(decoder: Decoder, prompt: number[], count: number): number[] {
  const tokens = [...prompt];
  for (let step = 0; step < count; step++) {
    const next = tf.tidy(() => {
      const logits = decoder.forward(tf.tensor2d([tokens], undefined, "int32"));
      return tf.argMax(tf.slice(logits, [0, tokens.length - 1, 0], [1, 1, -1]), 2).dataSync()[0];
    });
    tokens.push(next as number);
  }
  return tokens.slice(prompt.length);
}

const prompt = [5, 17, 3, 42];
const sampled: GenerateOptions = { maxNewTokens: 10, temperature: 0.9, topK: 30, topP: 0.95 };

describe.each(golden.tiny)("generate with the tiny $name", ({ name, penalisedGreedy }) => {
  it("takes the tokens that transformers takes, with its repetition penalty", async () => {
    const { prompt, repetitionPenalty, tokenIds } = penalisedGreedy;
    const generation = await generate(decoders[name] as Decoder, prompt, {
      repetitionPenalty,
      maxNewTokens: 12,
    });
    expect(generation.tokenIds).toEqual([tokenIds]);
  });

  it("takes the same tokens with its memory as without", async () => {
    const decoder = decoders[name] as Decoder;
    const { tokenIds } = await generate(decoder, prompt, { maxNewTokens: 15 });
    expect(tokenIds[0]).toEqual(withoutMemory(decoder, prompt, 15));
  });

  it("gives each prompt of an uneven batch the answer it gets alone", async () => {
    const decoder = decoders[name] as Decoder;
    const prompts = [[9], [4, 8, 15, 16, 23], [42, 7, 1]];
    const options = { maxNewTokens: 8, logProbs: true };
    const together = await generate(decoder, prompts, options);
    for (const [row, prompt] of prompts.entries()) {
      const alone = await generate(decoder, prompt, options);
      expect(together.tokenIds[row]).toEqual(alone.tokenIds[0]);
      const pairs = (alone.logProbs?.[0] ?? []).map((p, i) => [
        p,
        together.logProbs?.[row]?.[i] ?? Number.NaN,
      ]);
      for (const [a = 0, b = Number.NaN] of pairs) expect(b).toBeCloseTo(a, 4);
    }
  });
});

describe("generate", () => {
  it("draws the same tokens from the same seed, and others from another", async () => {
    const [a, same, other] = await Promise.all(
      [7, 7, 8].map((seed) => generate(llama, prompt, { ...sampled, seed })),
    );
    expect(same).toEqual(a);
    expect(other?.tokenIds).not.toEqual(a?.tokenIds);
  });

  it("draws for row i of a batch what the prompt alone gets from seed + i", async () => {
    const prompts = [
      [9, 9],
      [4, 8, 15],
    ];
    const together = await generate(llama, prompts, { ...sampled, seed: 3 });
    const alone = await generate(llama, prompts[1] as number[], { ...sampled, seed: 4 });
    expect(together.tokenIds[1]).toEqual(alone.tokenIds[0]);
  });

  it("takes a tensor of prompts as well", async () => {
    const expected = await generate(llama, prompt, { maxNewTokens: 5 });
    for (const tensor of [tf.tensor1d(prompt, "int32"), tf.tensor2d([prompt], undefined, "int32")]) {
      expect(await generate(llama, tensor, { maxNewTokens: 5 })).toEqual(expected);
      tensor.dispose();
    }
  });

  it("follows the weights when training changes them", async () => {
    const [model, same] = [createDecoder(tiny.llama, { seed: 1 }), createDecoder(tiny.llama, { seed: 1 })];
    const options = { maxNewTokens: 6, logProbs: true };
    const start = [5, 17, 3];
    const before = await generate(model, start, options);
    for (const decoder of [model, same]) {
      for (const { variable } of decoder.parameters()) tf.tidy(() => variable.assign(tf.mul(variable, 5)));
    }
    const after = await generate(model, start, options);
    expect(after).toEqual(await generate(same, start, options));
    expect(after.logProbs).not.toEqual(before.logProbs);
    model.dispose();
    same.dispose();
  });

  it("returns log-probabilities of the model itself, whatever the temperature", async () => {
    const options = { ...sampled, maxNewTokens: 4, logProbs: true };
    const { tokenIds, logProbs } = await generate(llama, prompt, options);
    const sequence = [...prompt, ...(tokenIds[0] ?? [])];
    const rows = tf.tidy(() => {
      const logits = llama.forward(tf.tensor2d([sequence], undefined, "int32"));
      return tf.logSoftmax(logits).arraySync()[0] as number[][];
    });
    for (const [i, token] of (tokenIds[0] ?? []).entries()) {
      expect(logProbs?.[0]?.[i]).toBeCloseTo(rows[prompt.length - 1 + i]?.[token] as number, 4);
    }
  });

  it("remembers everything, however long it goes on", async () => {
    const wide = createDecoder({ ...tiny.llama, contextLength: 600 }, { seed: 0 });
    for (const { variable } of wide.parameters()) tf.tidy(() => variable.assign(tf.mul(variable, 6)));
    const start = Array.from({ length: 200 }, (_, i) => (7 * i) % 41);
    const { tokenIds, logProbs } = await generate(wide, start, { maxNewTokens: 330, logProbs: true });
    const answer = tokenIds[0] as number[];
    const rows = tf.tidy(() => {
      const logits = wide.forward(tf.tensor2d([[...start, ...answer]], undefined, "int32"));
      return tf.logSoftmax(logits).arraySync()[0] as number[][];
    });
    const gaps = answer.map((token, i) =>
      Math.abs((rows[199 + i]?.[token] ?? NaN) - (logProbs?.[0]?.[i] ?? NaN)),
    );
    expect(new Set(answer).size).toBeGreaterThan(5);
    expect(Math.max(...gaps)).toBeLessThan(1e-3);
    wide.dispose();
  });

  it("stops at a stop token, which it keeps, and says so", async () => {
    const free = await generate(llama, prompt, { maxNewTokens: 10 });
    const [answer = []] = free.tokenIds;
    const stop = answer[4] as number;
    const { tokenIds, finishReasons } = await generate(llama, prompt, {
      maxNewTokens: 10,
      stopTokens: [stop],
    });
    expect(tokenIds[0]).toEqual(answer.slice(0, answer.indexOf(stop) + 1));
    expect(finishReasons).toEqual(["stop"]);
    expect(free.finishReasons).toEqual(["length"]);
  });

  it("stops at the configuration's end-of-sequence token unless told otherwise", async () => {
    const [answer = []] = (await generate(llama, prompt, { maxNewTokens: 6 })).tokenIds;
    const ending: Decoder = Object.assign(Object.create(llama), {
      config: { ...llama.config, eosTokenId: [60, answer[2]] },
    });
    expect((await generate(ending, prompt, { maxNewTokens: 6 })).finishReasons).toEqual(["stop"]);
    const past = await generate(ending, prompt, { maxNewTokens: 6, stopTokens: [] });
    expect(past.tokenIds[0]).toEqual(answer);
  });

  it("stops once the text contains a stop string, even across tokens", async () => {
    const decode = (ids: number[]) => ids.map((id) => String.fromCharCode(65 + id)).join("");
    const [answer = []] = (await generate(llama, prompt, { maxNewTokens: 10 })).tokenIds;
    const stopStrings = [decode(answer.slice(2, 4))];
    const { tokenIds, finishReasons } = await generate(llama, prompt, {
      maxNewTokens: 10,
      stopStrings,
      decode,
    });
    expect(decode(tokenIds[0] ?? []).endsWith(stopStrings[0] as string)).toBe(true);
    expect(finishReasons).toEqual(["stop"]);
  });

  it("goes on with the others of a batch when one has stopped", async () => {
    const prompts = [prompt, [9, 1]];
    const free = await generate(llama, prompts, { maxNewTokens: 8 });
    const stop = free.tokenIds[0]?.[0] as number;
    const { tokenIds, finishReasons } = await generate(llama, prompts, {
      maxNewTokens: 8,
      stopTokens: [stop],
    });
    expect(tokenIds[0]).toEqual([stop]);
    expect(finishReasons[0]).toBe("stop");
    const other = free.tokenIds[1] ?? [];
    expect(tokenIds[1]).toEqual(other.includes(stop) ? other.slice(0, other.indexOf(stop) + 1) : other);
  });

  it("ends where the context ends", async () => {
    const { contextLength } = llama.config;
    const long = Array.from({ length: contextLength - 2 }, (_, i) => i % 40);
    const { tokenIds, finishReasons } = await generate(llama, [long, [1, 2]], { maxNewTokens: 6 });
    expect(tokenIds.map((answer) => answer.length)).toEqual([3, 6]); // the last token needs no place of its own
    expect(finishReasons).toEqual(["length", "length"]);
  });

  it.each([
    ["a prompt longer than the context", new Array(33).fill(1), {}, /33 tokens .* context of 32/],
    ["an empty prompt", [], {}, /empty|no prompt/],
    ["an empty prompt in a batch", [[1], []], {}, /empty/],
    ["an id outside the vocabulary", [1, 61], {}, /61 is no token id/],
    ["a text", "hello" as unknown as number[], {}, /not tokens but a string/],
    ["a negative temperature", [1], { temperature: -1 }, /temperature cannot be -1/],
    ["a top-p of 0", [1], { topP: 0 }, /topP cannot be 0/],
    ["a fractional top-k", [1], { topK: 1.5 }, /topK cannot be 1.5/],
    ["a repetition penalty that is no number", [1], { repetitionPenalty: Number.NaN }, /repetitionPenalty/],
    ["a seed that is no whole number", [1], { seed: 0.5 }, /seed cannot be 0.5/],
    ["an empty stop string", [1], { stopStrings: [""], decode: () => "" }, /a stop string is empty/],
    ["stop strings without a decoder of text", [1], { stopStrings: ["x"] }, /decode/],
  ] as [string, number[], GenerateOptions, RegExp][])("refuses %s", async (_, tokens, options, message) => {
    const before = tf.memory().numTensors;
    await expect(generate(llama, tokens, options)).rejects.toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
  });

  it("says that the model is broken when its logits are not finite", async () => {
    const broken = createDecoder(tiny.llama, { seed: 0 });
    const [embedding] = broken.parameters();
    tf.tidy(() => embedding?.variable.assign(tf.fill(embedding.variable.shape, Number.NaN)));
    await expect(generate(broken, [1])).rejects.toThrow(/not finite/);
    broken.dispose();
  });

  it("keeps what it has when the signal aborts in the middle", async () => {
    const controller = new AbortController();
    const steps = generateStream(llama, prompt, { maxNewTokens: 20, signal: controller.signal });
    const seen: (number | undefined)[] = [];
    let next = await steps.next();
    while (!next.done) {
      seen.push(next.value.tokenIds[0]);
      if (seen.length === 4) controller.abort();
      next = await steps.next();
    }
    expect(next.value).toEqual({ tokenIds: [seen], finishReasons: ["aborted"] });
    expect(seen).toHaveLength(4);
  });

  it("hears a signal that a timer aborts, and the host's when it has none of its own", async () => {
    const controller = new AbortController();
    const host = globalThis as { [key: symbol]: unknown };
    host[Symbol.for("posttrain.interrupt")] = controller.signal;
    setTimeout(() => controller.abort(), 30);
    const endless = { maxNewTokens: 1e6, stopTokens: [] };
    const wide = createDecoder({ ...tiny.llama, contextLength: 1e6 }, { seed: 0 });
    expect((await generate(wide, [1], endless)).finishReasons).toEqual(["aborted"]);
    delete host[Symbol.for("posttrain.interrupt")];
    wide.dispose();
  });

  it("leaves no tensor behind in 100 runs, whether they end, abort or are left early", async () => {
    const run = async () => {
      await generate(llama, [prompt, [1]], { maxNewTokens: 3 });
      for await (const _ of generateStream(llama, prompt, { maxNewTokens: 5 })) break;
      await generate(llama, prompt, { signal: AbortSignal.abort() });
    };
    await run();
    const before = tf.memory().numTensors;
    for (let i = 0; i < 100; i++) await run();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe("generate, compiled or not", () => {
  const everything: GenerateOptions = { ...sampled, repetitionPenalty: 1.2, logProbs: true, seed: 4 };
  const uneven = [[5, 17, 3], [9], [4, 8, 15, 16, 23, 1, 2]];

  it.each([
    { maxNewTokens: 10, logProbs: true },
    everything,
  ])("takes the same tokens: %j", async (options) => {
    const eager = await generate(llama, uneven, { ...options, compile: false });
    const compiled = await generate(llama, uneven, { ...options, compile: true });
    expect(compiled.tokenIds).toEqual(eager.tokenIds);
    for (const [row, logProbs] of (eager.logProbs ?? []).entries()) {
      for (const [i, logProb] of logProbs.entries()) {
        expect(compiled.logProbs?.[row]?.[i]).toBeCloseTo(logProb, 4);
      }
    }
  });

  it.runIf(ROUTES.includes("func"))("takes the same tokens as one machine program", async () => {
    const small = createDecoder({ ...tiny.llama, layers: 1 }, { seed: 3 });
    const options = { maxNewTokens: 12, repetitionPenalty: 1.2 };
    const expected = await generate(small, uneven, options);
    expect((await generate(small, uneven, { ...options, compile: "xla" })).tokenIds).toEqual(
      expected.tokenIds,
    );
    small.dispose();
  });

  it.runIf(ROUTES.includes("func"))("compiles once for all temperatures and seeds", async () => {
    const native = nativeBackend() as NativeBackend;
    const { binding } = native;
    let programs = 0;
    native.binding = Object.create(binding, {
      defineFunction: {
        value: (...program: Parameters<NonNullable<typeof binding.defineFunction>>) => {
          programs++;
          binding.defineFunction?.(...program);
        },
      },
    });
    const small = createDecoder(tiny.llama, { seed: 3 });
    for (const [seed, temperature] of [0.5, 1, 1.5].entries()) {
      await generate(small, [5, 17, 3], { ...everything, temperature, topP: 1 - temperature / 5, seed });
    }
    native.binding = binding;
    small.dispose();
    expect(programs).toBe(1);
  });
});

describe("generateStream", () => {
  it("hands over the tokens of generate, one step at a time and in order", async () => {
    const prompts = [prompt, [9]];
    const whole = await generate(llama, prompts, { maxNewTokens: 6 });
    const columns: (number | undefined)[][] = [];
    for await (const { step, tokenIds, finishReasons } of generateStream(llama, prompts, {
      maxNewTokens: 6,
    })) {
      expect(step).toBe(columns.length);
      expect(finishReasons).toEqual(step === 5 ? ["length", "length"] : [undefined, undefined]);
      columns.push(tokenIds);
    }
    expect([0, 1].map((row) => columns.map((column) => column[row]))).toEqual(whole.tokenIds);
  });
});
