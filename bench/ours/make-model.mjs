// @ts-check
// Writes what both sides load: safetensors of fresh weights from a seed or of another file, or a fresh adapter.
// Arguments: a JSON object { sizes, seed }, { path } or { path, adapter, seed }, and the folder.
import { useBackend } from "posttrain/backend";
import { addAdapter, saveAdapter } from "posttrain/lora";
import { createDecoder, loadDecoder, saveDecoder } from "posttrain/model";

const [source = "", folder = ""] = process.argv.slice(2);
const { sizes, seed, path, adapter } = JSON.parse(source);
await useBackend();
const decoder = path ? await loadDecoder(path) : createDecoder(sizes, { seed });
if (adapter) {
  addAdapter(decoder, adapter, { seed });
  await saveAdapter(decoder, folder);
} else {
  await saveDecoder(decoder, folder);
}
