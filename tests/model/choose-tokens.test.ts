import {
  type BackendName,
  compileStep,
  Random,
  randomKey,
  type Scalar,
  statelessUniform,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tf,
  useBackend,
} from "posttrain/backend";
import {
  type Choice,
  chooseTokens,
  drawToken,
  nextTokenProbabilities,
  type SamplingOptions,
} from "posttrain/model";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { hasNative } from "../backend/compile/native.js";

const BACKENDS: BackendName[] = hasNative ? ["native", "wasm", "cpu"] : ["wasm", "cpu"];
const [BATCH, VOCAB] = [24, 211];

const random = new Random(5);
const LOGITS = Array.from({ length: BATCH }, () =>
  Array.from({ length: VOCAB }, () => Math.fround(4 * random.normal())),
);
const HISTORIES = LOGITS.map(() => Array.from({ length: 30 }, () => random.integer(VOCAB)));

const SETTINGS: SamplingOptions[] = [
  {},
  { repetitionPenalty: 1.5 },
  ...[0.3, 1, 2.5].flatMap((temperature) => [
    { temperature },
    { temperature, topK: 1 },
    { temperature, topK: 7 },
    { temperature, topK: VOCAB + 1 },
    { temperature, topP: 0.05 },
    { temperature, topP: 0.9 },
    { temperature, topK: 12, topP: 0.6 },
    { temperature, repetitionPenalty: 1.3 },
    { temperature, topK: 40, topP: 0.95, repetitionPenalty: 0.7 },
  ]),
];

/** The random number of a sequence. */
const uniform = (row: number, draw: number): number => new Random(1000 * row + draw).uniform();

/** The same options as tensors. To be called within `tf.tidy`. */
function asTensors(options: SamplingOptions, histories: number[][], draw: number): Choice {
  const { temperature = 0, topK, topP, repetitionPenalty } = options;
  const seen = histories.map((history) =>
    Array.from({ length: VOCAB }, (_, token) => (history.includes(token) ? 1 : 0)),
  );
  return {
    ...(temperature > 0 && { temperature: tf.scalar(temperature) }),
    ...(topK !== undefined && { topK }),
    ...(topP !== undefined && { topP: tf.scalar(topP) }),
    ...(repetitionPenalty !== undefined && {
      repetitionPenalty: tf.scalar(repetitionPenalty),
      seen: tf.tensor2d(seen),
    }),
    uniforms: tf.tensor1d(histories.map((_, row) => uniform(row, draw))),
  };
}

/** What the readable functions draw on the host when the random number is u. */
class Fixed extends Random {
  constructor(private readonly u: number) {
    super(1);
  }
  override uniform(): number {
    return this.u;
  }
}

function onHost(options: SamplingOptions, draw: number): number[] {
  return LOGITS.map((logits, row) => {
    return drawToken(
      nextTokenProbabilities(logits, HISTORIES[row] ?? [], options),
      new Fixed(uniform(row, draw)),
    );
  });
}

const numbers = (tensor: Tensor): number[] => [...tensor.dataSync()];

describe.each(BACKENDS)("on %s chooseTokens", (backend) => {
  let tensors: number;
  beforeAll(async () => {
    await useBackend(backend);
  });
  beforeEach(() => {
    tensors = tf.memory().numTensors;
  });
  afterAll(async () => {
    await useBackend();
  });

  it.each(SETTINGS)("takes the tokens that are drawn on the host with the same numbers: %j", (options) => {
    for (let draw = 0; draw < 5; draw++) {
      tf.tidy(() => {
        const { tokens } = chooseTokens(tf.tensor2d(LOGITS), asTensors(options, HISTORIES, draw));
        expect(tokens.dtype).toBe("int32");
        expect(numbers(tokens)).toEqual(onHost(options, draw));
      });
    }
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it("returns the model's own log-probabilities, whatever was cut off or penalised", () => {
    tf.tidy(() => {
      const logits = tf.tensor2d(LOGITS);
      const options = { temperature: 2, topK: 5, repetitionPenalty: 2 };
      const { tokens, logProbs } = chooseTokens(logits, asTensors(options, HISTORIES, 0));
      const all = tf.logSoftmax(logits).arraySync() as number[][];
      for (const [row, token] of numbers(tokens).entries()) {
        expect(numbers(logProbs)[row]).toBeCloseTo(all[row]?.[token] as number, 4);
      }
    });
  });

  it("draws for a sequence the same in any batch", () => {
    tf.tidy(() => {
      const options = { temperature: 1.5, topK: 50, topP: 0.95 };
      const logits = tf.tensor2d(LOGITS);
      const choice = asTensors(options, HISTORIES, 3);
      const together = numbers(chooseTokens(logits, choice).tokens);
      const alone = together.map((_, row) => {
        const uniforms = tf.slice(choice.uniforms as Tensor1D, [row], [1]);
        return numbers(
          chooseTokens(tf.slice(logits, [row, 0], [1, VOCAB]), { ...choice, uniforms }).tokens,
        )[0];
      });
      expect(alone).toEqual(together);
    });
  });

  it("keeps equal scores at the border together", () => {
    const logits = [2, 1, 1, 1, 0, -3];
    const drawn = (options: SamplingOptions) =>
      tf.tidy(() => {
        const batch = tf.tile(tf.tensor2d([logits]), [300, 1]) as Tensor2D;
        const uniforms = tf.linspace(0, 0.999, 300);
        const { topK, topP } = options;
        const choice: Choice = {
          temperature: tf.scalar(1),
          uniforms,
          ...(topK && { topK }),
          ...(topP && { topP: tf.scalar(topP) }),
        };
        return [...new Set(numbers(chooseTokens(batch, choice).tokens))].sort();
      });
    expect(drawn({ topK: 2 })).toEqual([0, 1, 2, 3]);
    expect(drawn({ topP: 0.5 })).toEqual([0, 1, 2, 3]);
    expect(drawn({ topK: 3, topP: 0.99 })).toEqual([0, 1, 2, 3]);
    expect(drawn({ topK: 1 })).toEqual([0]);
  });

  it.each([
    1e-20, 1e-38, 1e-45, 1e-300,
  ])("becomes greedy at a temperature of %d, however the options cut", (temperature) => {
    for (const options of [{}, { topK: 5 }, { topP: 0.9 }, { topK: 5, topP: 0.1, repetitionPenalty: 1.5 }]) {
      tf.tidy(() => {
        const greedy = asTensors({ ...options, temperature: 0 }, HISTORIES, 0);
        const choice = asTensors({ ...options, temperature }, HISTORIES, 0);
        const expected = numbers(chooseTokens(tf.tensor2d(LOGITS), greedy).tokens);
        expect(numbers(chooseTokens(tf.tensor2d(LOGITS), choice).tokens)).toEqual(expected);
        expect(onHost({ ...options, temperature }, 0)).toEqual(expected);
      });
    }
  });

  it("draws among equally likely tokens at the smallest temperature, whatever the size of their logits", () => {
    for (const size of [0, 1e-30, -1, 1e30, -1e30]) {
      tf.tidy(() => {
        const row = [-Math.abs(size) - 1e31, size, -Infinity, size];
        const logits = tf.tensor2d([row, row]);
        const choice = { temperature: tf.scalar(1e-45), uniforms: tf.tensor1d([0.2, 0.7]) };
        expect(numbers(chooseTokens(logits, choice).tokens)).toEqual([1, 3]);
        expect([...nextTokenProbabilities(row, [], { temperature: 1e-45 })]).toEqual([0, 0.5, 0, 0.5]);
      });
    }
  });

  it("says −1 for the sequence whose logits are not finite, and for no other", () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      for (const options of [{}, { temperature: 1 }, { temperature: 1, topK: 3, topP: 0.5 }]) {
        tf.tidy(() => {
          const rows = [
            [1, 2, 3, 0],
            [1, bad, 3, 0],
            [bad, 2, 3, 0],
            [1, 2, 3, Number.NEGATIVE_INFINITY],
          ];
          const histories = rows.map(() => []);
          const { tokens } = chooseTokens(tf.tensor2d(rows), asTensors(options, histories, 0));
          expect(numbers(tokens).map((token) => token >= 0)).toEqual([true, false, false, true]);
        });
      }
    }
  });
});

describe("drawn tokens", () => {
  it("come as often as their probabilities say", () => {
    const count = 6_000;
    tf.tidy(() => {
      const [logits = []] = LOGITS;
      const options = { temperature: 1.2, topK: 6, topP: 0.97 };
      const choice: Choice = {
        temperature: tf.scalar(options.temperature),
        topK: options.topK,
        topP: tf.scalar(options.topP),
        uniforms: statelessUniform<Tensor1D>([count], randomKey(7, 0)),
      };
      const batch = tf.tile(tf.tensor2d([logits]), [count, 1]) as Tensor2D;
      const drawn = numbers(chooseTokens(batch, choice).tokens);
      const expected = nextTokenProbabilities(logits, [], options);
      for (const [token, p] of expected.entries()) {
        const share = drawn.filter((other) => other === token).length / count;
        expect(Math.abs(share - p), `token ${token}`).toBeLessThanOrEqual(p === 0 ? 0 : 0.025);
      }
    });
  });

  it.runIf(hasNative)("are the same compiled, and other numbers need no new program", async () => {
    await useBackend("native");
    const step = compileStep(
      ({ logits, temperature, topP, uniforms }: Record<string, Tensor | undefined>) => {
        const choice = {
          temperature: temperature as Scalar,
          topP: topP as Scalar,
          uniforms: uniforms as Tensor1D,
        };
        return { ...chooseTokens(logits as Tensor2D, { ...choice, topK: 30 }) } as Record<string, Tensor>;
      },
    );
    for (const temperature of [0.5, 1, 2, 1e-45]) {
      tf.tidy(() => {
        const options = { temperature, topK: 30, topP: 0.9 };
        const { topK: _, ...choice } = asTensors(options, HISTORIES, 2);
        const { tokens } = step({ logits: tf.tensor2d(LOGITS), ...choice });
        expect(numbers(tokens as Tensor)).toEqual(onHost(options, 2));
      });
    }
    expect(step.stats.traces).toBe(1);
    step.dispose();
  });
});
