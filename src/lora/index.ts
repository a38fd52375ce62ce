/** Low-rank adapters: add, train, switch, merge and look into them. */

export { LoraAdapter } from "./adapter.js";
export { type AddAdapterOptions, addAdapter, deleteAdapter } from "./attach.js";
export { type AdapterCombination, type CombineOptions, combineAdapters } from "./combine.js";
export {
  type LoraConfig,
  type LoraInitialisation,
  type ResolvedLoraConfig,
  resolveConfig,
  scaleOf,
} from "./config.js";
export { AdapterError } from "./errors.js";
export { deltaWeight, LoraLayer, type LoraParts, mergedWeight } from "./layer.js";
export { type LoadAdapterOptions, loadAdapter } from "./load.js";
export { loraPlus } from "./lora-plus.js";
export { mergeAdapter, mergeAndUnload, unmergeAdapter } from "./merge.js";
export { loraModules } from "./modules.js";
export { type SaveAdapterOptions, saveAdapter } from "./save.js";
export {
  type AdapterSummary,
  disableAdapters,
  disabled,
  enableAdapters,
  listAdapters,
  setAdapter,
} from "./switch.js";
export { parameterTable } from "./table.js";
