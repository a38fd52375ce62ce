/** What training did to a model: the rank of its changes, and how few directions suffice to train in. */

export { adapterChanges } from "./adapter-changes.js";

export { type AmplificationOptions, amplificationTable } from "./amplification.js";
export { type Change, denseChange, type Factors, type WeightChange } from "./change.js";
export { changeSingularValues, decompose } from "./decompose.js";
export { intrinsicDimension, recoveredTable, type SubspaceScore } from "./intrinsic-dimension.js";
export {
  type IntruderOptions,
  intruderTable,
  singularVectorSimilarity,
  type VectorOptions,
} from "./intruders.js";
export { changeNorm, normTable } from "./norms.js";
export {
  cumulativeEnergy,
  effectiveRank,
  frobeniusNorm,
  numericalRank,
  participationRatio,
  rankAtEnergy,
  type SingularValues,
  stableRank,
} from "./rank.js";
export {
  adapterSimilarity,
  type Directions,
  randomBasis,
  type SimilarityOptions,
  subspaceSimilarity,
} from "./similarity.js";
export { snapshotWeights, WeightSnapshot, weightChanges } from "./snapshot.js";
export {
  type RankOptions,
  rankTable,
  type Spectrum,
  singularValueTable,
  spectra,
  type WalkOptions,
} from "./spectrum.js";
export { attachSubspace, Subspace, type SubspaceOptions } from "./subspace.js";
