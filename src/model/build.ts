import { Block } from "./block.js";
import type { DecoderConfig } from "./config.js";
import { TransformerDecoder } from "./decoder.js";
import { Embedding } from "./embedding.js";
import { GatedFeedForward, PlainFeedForward } from "./feed-forward.js";
import { Linear } from "./linear.js";
import { Norm } from "./norm.js";
import type { Parameter } from "./parameter.js";
import { SelfAttention } from "./self-attention.js";
import type { WeightRole, WeightSource } from "./weights.js";

/** Puts a decoder together from the weights that `source` hands over, asked for in Hugging Face order. */
export function buildDecoder(config: DecoderConfig, source: WeightSource): TransformerDecoder {
  const weights: Parameter[] = [];
  const take: WeightSource = (name, shape, role) => {
    const parameter = source(name, shape, role);
    weights.push(parameter);
    return parameter;
  };
  const parts = config.architecture === "gpt2" ? gpt2Parts(config, take) : llamaParts(config, take);
  return new TransformerDecoder(config, parts, weights);
}

function gpt2Parts(config: DecoderConfig, take: WeightSource) {
  const { hiddenSize, vocabSize, contextLength, layers, intermediateSize, heads, headSize } = config;
  const attentionWidth = heads * headSize;
  const conv = (name: string, from: number, to: number, role: WeightRole, bias: boolean) =>
    new Linear(
      take(`${name}.weight`, [from, to], role),
      "inOut",
      bias ? take(`${name}.bias`, [to], "bias") : undefined,
    );
  const tokens = new Embedding(take("transformer.wte.weight", [vocabSize, hiddenSize], "embedding"));
  const positions = new Embedding(take("transformer.wpe.weight", [contextLength, hiddenSize], "embedding"));
  const blocks = Array.from({ length: layers }, (_, i) => {
    const at = `transformer.h.${i}`;
    const { attentionBias, mlpBias } = config;
    const attentionNorm = takeNorm(config, `${at}.ln_1`, take);
    const attention = new SelfAttention(
      config,
      [conv(`${at}.attn.c_attn`, hiddenSize, 3 * attentionWidth, "projection", attentionBias)],
      conv(`${at}.attn.c_proj`, attentionWidth, hiddenSize, "residual", attentionBias),
    );
    const feedForwardNorm = takeNorm(config, `${at}.ln_2`, take);
    const feedForward = new PlainFeedForward(
      conv(`${at}.mlp.c_fc`, hiddenSize, intermediateSize, "projection", mlpBias),
      conv(`${at}.mlp.c_proj`, intermediateSize, hiddenSize, "residual", mlpBias),
    );
    return new Block(attentionNorm, attention, feedForwardNorm, feedForward);
  });
  return {
    tokens,
    positions,
    blocks,
    norm: takeNorm(config, "transformer.ln_f", take),
    head: takeHead(config, take),
  };
}

function llamaParts(config: DecoderConfig, take: WeightSource) {
  const { hiddenSize, vocabSize, layers, intermediateSize, heads, keyValueHeads, headSize } = config;
  const linear = (name: string, from: number, to: number, role: WeightRole, bias: boolean) =>
    new Linear(
      take(`${name}.weight`, [to, from], role),
      "outIn",
      bias ? take(`${name}.bias`, [to], "bias") : undefined,
    );
  const tokens = new Embedding(take("model.embed_tokens.weight", [vocabSize, hiddenSize], "embedding"));
  const blocks = Array.from({ length: layers }, (_, i) => {
    const at = `model.layers.${i}`;
    const { attentionBias, mlpBias } = config;
    const outputBias = attentionBias && config.architecture === "llama";
    const attention = new SelfAttention(
      config,
      [
        linear(`${at}.self_attn.q_proj`, hiddenSize, heads * headSize, "projection", attentionBias),
        linear(`${at}.self_attn.k_proj`, hiddenSize, keyValueHeads * headSize, "projection", attentionBias),
        linear(`${at}.self_attn.v_proj`, hiddenSize, keyValueHeads * headSize, "projection", attentionBias),
      ],
      linear(`${at}.self_attn.o_proj`, heads * headSize, hiddenSize, "residual", outputBias),
    );
    const feedForward = new GatedFeedForward(
      linear(`${at}.mlp.gate_proj`, hiddenSize, intermediateSize, "projection", mlpBias),
      linear(`${at}.mlp.up_proj`, hiddenSize, intermediateSize, "projection", mlpBias),
      linear(`${at}.mlp.down_proj`, intermediateSize, hiddenSize, "residual", mlpBias),
    );
    const attentionNorm = takeNorm(config, `${at}.input_layernorm`, take);
    const feedForwardNorm = takeNorm(config, `${at}.post_attention_layernorm`, take);
    return new Block(attentionNorm, attention, feedForwardNorm, feedForward);
  });
  return { tokens, blocks, norm: takeNorm(config, "model.norm", take), head: takeHead(config, take) };
}

function takeNorm(config: DecoderConfig, name: string, take: WeightSource): Norm {
  const gain = take(`${name}.weight`, [config.hiddenSize], "gain");
  const bias = config.norm === "layerNorm" ? take(`${name}.bias`, [config.hiddenSize], "bias") : undefined;
  return new Norm(config.normEpsilon, gain, bias);
}

function takeHead(config: DecoderConfig, take: WeightSource): Linear | undefined {
  if (config.tiedEmbeddings) return undefined;
  return new Linear(take("lm_head.weight", [config.vocabSize, config.hiddenSize], "projection"), "outIn");
}
