// @ts-check
// Writes the safetensors that both sides load: fresh weights from a seed, or those of another file.
// Arguments: a JSON object { sizes, seed } or { path }, and the folder.
import { useBackend } from "posttrain/backend";
import { createDecoder, loadDecoder, saveDecoder } from "posttrain/model";

const [source = "", folder = ""] = process.argv.slice(2);
const { sizes, seed, path } = JSON.parse(source);
await useBackend();
const decoder = path ? await loadDecoder(path) : createDecoder(sizes, { seed });
await saveDecoder(decoder, folder);
