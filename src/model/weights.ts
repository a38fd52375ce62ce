import type { Parameter } from "./parameter.js";

/** What a weight does, which decides how it starts. `residual` projections write into the residual stream. */
export type WeightRole = "embedding" | "projection" | "residual" | "gain" | "bias";

/** Hands over the weight of this name: drawn from a seed, or read from a file. */
export type WeightSource = (name: string, shape: number[], role: WeightRole) => Parameter;
