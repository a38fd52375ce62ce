import { calendar } from "./calendar.js";
import { capital } from "./capital.js";
import { category } from "./category.js";
import { colour } from "./colour.js";
import { compare } from "./compare.js";
import { continent } from "./continent.js";
import type { DrillSet } from "./drill.js";
import { languageId } from "./language-id.js";
import { oddOneOut } from "./odd-one-out.js";
import { opposite } from "./opposite.js";
import { plural } from "./plural.js";
import { repeat } from "./repeat.js";
import { sentiment } from "./sentiment.js";
import { translate } from "./translate.js";
import { yesNo } from "./yes-no.js";

/** Every drilled skill. */
export const drillSets: readonly DrillSet[] = [
  repeat,
  opposite,
  translate,
  sentiment,
  languageId,
  category,
  oddOneOut,
  calendar,
  compare,
  colour,
  plural,
  capital,
  continent,
  yesNo,
];
