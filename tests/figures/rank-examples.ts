import { type ColumnTable, from } from "arquero";
import { Random } from "posttrain/backend";
import {
  amplificationBars,
  type Figure,
  intrinsicDimensionCurve,
  intruderCurve,
  intruderMap,
  layerMap,
  lossByRank,
  relativeBars,
  similarityMaps,
  singularValueCurves,
} from "posttrain/figures";

const modules = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
const places = (layers: number, some = modules) =>
  Array.from({ length: layers }, (_, layer) =>
    some.map((module) => ({
      path: `model.layers.${layer}.${module.length > 6 ? "mlp" : "self_attn"}.${module}`,
      layer,
      module,
    })),
  ).flat();

const spectra = (layers: number, some = modules): ColumnTable =>
  from(
    places(layers, some).flatMap((place, at) => {
      const values = Array.from({ length: 192 }, (_, i) => 0.4 * Math.exp(-i / (14 + 2 * (at % 9))) + 1e-4);
      const total = values.reduce((sum, value) => sum + value ** 2, 0);
      let reached = 0;
      return values.map((singular_value, i) => {
        reached += singular_value ** 2;
        return { ...place, index: i + 1, singular_value, energy: reached / total };
      });
    }),
  );

const measured = (
  layers: number,
  value: (random: Random, layer: number, at: number) => number,
): ColumnTable => {
  const random = new Random(4);
  return from(places(layers).map((place, at) => ({ ...place, value: value(random, place.layer, at) })));
};

const similarity = (first: number, second: number, run: string, agree: number, dimension = 192) =>
  Array.from({ length: first * second }, (_, at) => {
    const [i, j] = [1 + Math.floor(at / second), 1 + (at % second)];
    const random = Math.max(i, j) / dimension;
    return {
      run,
      i,
      j,
      similarity: random + (agree * (1 - random)) / (1 + 0.4 * (Math.min(i, j) - 1)),
      random,
    };
  });

const intruders = (run: string, shift: number) => {
  const random = new Random(run.length);
  return places(3).flatMap(({ path }) =>
    Array.from({ length: 10 }, () => ({
      run,
      path,
      similarity: Math.min(1, random.uniform() ** 0.3 + shift),
      threshold: 0.5,
    })),
  );
};

const vectors = (run: string, fresh: number) =>
  Array.from({ length: 16 * 32 }, (_, at) => {
    const [tuned, pretrained] = [1 + Math.floor(at / 32), 1 + (at % 32)];
    const own = tuned - fresh === pretrained && tuned > fresh ? 0.95 : 0.05 + 0.1 * Math.abs(Math.sin(at));
    return { run, tuned, pretrained, similarity: own };
  });

/** One of each figure about ranks and adapters, on data like those of the notebooks. */
export const rankExamples: Record<string, Figure> = {
  "singular-values": singularValueCurves(spectra(6)).title(
    "Singular values of ΔW fall by a decade within thirty of 192 directions, in every module",
  ),
  "singular-values-energy": singularValueCurves(spectra(30, ["q_proj", "v_proj"]), { value: "energy" }).title(
    "Ninety percent of the change lies in a tenth of the directions",
  ),
  "singular-values-runs": singularValueCurves(
    spectra(2, ["q_proj", "k_proj", "v_proj", "o_proj"])
      .derive({ run: () => "full fine-tuning" })
      .concat(
        spectra(2, ["q_proj", "k_proj", "v_proj", "o_proj"])
          .filter((row: { index: number }) => row.index <= 8)
          .derive({ run: () => "LoRA, r = 8" }),
      ),
  ).title("LoRA keeps eight directions, full fine-tuning uses all"),
  "layer-map": layerMap(
    measured(6, (random, layer) => Math.round(20 + 8 * layer + 20 * random.uniform())).rename({
      value: "rank_at_share",
    }),
    { value: "rank_at_share", title: "rank at 90 %" },
  ).title("Later layers need more directions than earlier ones"),
  "layer-map-deep": layerMap(
    measured(30, (random, layer) => 0.02 + 0.001 * layer + 0.01 * random.uniform()),
    { value: "value", title: "‖ΔW‖ / ‖W₀‖" },
  ).title("Relative change by layer and module"),
  "layer-map-runs": layerMap(
    from(
      ["full", "LoRA, r = 8"].flatMap((run, at) =>
        places(6).map((place, row) => ({ ...place, run, frobenius_norm: 1.2 + at + Math.sin(row) })),
      ),
    ),
    { value: "frobenius_norm", title: "‖ΔW‖" },
  ).title("LoRA moves the weights farther than full fine-tuning"),
  "similarity-maps": similarityMaps(
    from([...similarity(8, 64, "layer 2 q_proj", 0.6), ...similarity(8, 64, "layer 2 v_proj", 0.5)]),
    { first: "r = 8", second: "r = 64" },
  ).title("The first direction of r = 8 is found again in r = 64, the later ones hardly"),
  "similarity-one": similarityMaps(from(similarity(4, 4, "seeds 1 and 2", 0.7, 16))),
  "amplification-bars": amplificationBars(
    from(
      places(2, ["q_proj", "k_proj", "v_proj", "o_proj"]).map((place, at) => ({
        ...place,
        ...{
          amplification: 21 / (at + 1),
          projected_norm: 0.3 + 0.02 * at,
          top_norm: 20 + at,
          random_norm: 0.02,
        },
      })),
    ),
  ).title("ΔW amplifies directions that W₀ has but does not stress"),
  "amplification-many": amplificationBars(
    from(
      places(6).map((place, at) => ({
        ...place,
        ...{ amplification: 2 + Math.sin(at), projected_norm: 0.3, top_norm: 20 + at, random_norm: 0.02 },
      })),
    ),
  ),
  "loss-by-rank": lossByRank(
    from(
      ["seed 1", "seed 2"].flatMap((run, seed) =>
        [1, 2, 4, 8, 16].map((rank) => ({ run, rank, eval_loss: 1.9 + 0.3 / rank + 0.02 * seed })),
      ),
    ),
    { value: "eval_loss", full: 1.87, base: 2.41 },
  ).title("One direction a layer gains most of what full fine-tuning gains"),
  "intrinsic-dimension": intrinsicDimensionCurve(
    from(
      ["from scratch", "pre-trained"].flatMap((model, start) =>
        [10, 30, 100, 300, 1000, 3000, 10_000].map((dimension) => ({
          ...{ model, dimension },
          recovered: 1 / (1 + (start ? 40 : 600) / dimension),
        })),
      ),
    ),
  ).title("The pre-trained model needs fifteen times fewer dimensions"),
  "intruder-curve": intruderCurve(
    from([...intruders("full fine-tuning", 0.25), ...intruders("LoRA, r = 1", -0.2)]),
  ).title("Below ε = 0.5 only LoRA has new directions"),
  "intruder-map": intruderMap(from([...vectors("full fine-tuning", 0), ...vectors("LoRA, r = 8", 2)])).title(
    "LoRA puts two new directions above the old ones",
  ),
  "relative-bars": relativeBars(
    from(
      (
        [
          ["trainable parameters", 134_515_008, 2_442_240, ""],
          ["peak memory", 4.61, 2.52, "GB"],
          ["step time", 3.1, 2.5, "s"],
          ["file size", 269.1, 4.9, "MB"],
          ["task loss", 1.872, 1.911, "nats"],
          ["loss on the base corpus", 3.9, 3.4, "nats"],
        ] as const
      ).flatMap(([metric, full, lora, unit]) => [
        { metric, model: "full", value: full, unit },
        { metric, model: "LoRA, r = 8", value: lora, unit },
      ]),
    ),
  ).title("Two percent of the parameters, nearly the same loss, less forgotten"),
  "relative-bars-three": relativeBars(
    from(
      ["trainable parameters", "step time"].flatMap((metric, at) =>
        ["全参数 full", "LoRA, r = 8", "LoRA, r = 64"].map((model, i) => ({
          ...{ metric, model, value: at ? 3 + 0.4 * i : 1e6 / 20 ** i },
        })),
      ),
    ),
    { reference: "全参数 full" },
  ),
};
