/** Where a module is in a model: the first columns of every table about weights. */
export type Place = {
  /** For example `model.layers.3.self_attn.q_proj`. */
  path: string;
  /** Number of its block from 0; null outside the blocks. */
  layer: number | null;
  /** Its name within the block, for example `q_proj`; GPT-2's keep the part that tells them apart, `attn.c_proj`. */
  module: string;
};

export function placeOf(path: string): Place {
  const found = /(?:^|\.)(?:layers|h)\.(\d+)\.(.+)$/.exec(path);
  if (!found) return { path, layer: null, module: path };
  const [, layer = "", inBlock = ""] = found;
  return { path, layer: Number(layer), module: inBlock.replace(/^(self_attn|mlp)\.(?!c_)/, "") };
}
