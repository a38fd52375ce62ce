// @ts-check
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { cache, root } from "./paths.mjs";
import { answers } from "./requirements.mjs";
import { run } from "./run.mjs";
import { fingerprint, isStamped, makeWhole, stamp } from "./stamp.mjs";
import { downloadWheels, extract } from "./wheels.mjs";

const tensorflow = "2.18.1";
const tfjs = path.join(root, "node_modules/@tensorflow/tfjs-node-gpu");
const bindingSource = fileURLToPath(new URL("binding.cc", import.meta.url));
const headers =
  "(tensorflow/include/)(tensorflow/c/|tensorflow/core/platform/ctstring|(xla/)?tsl/(platform|c)/|external/local_tsl/tsl/(platform|c)/).*\\.h";
const libraries = "(tensorflow/)libtensorflow_(cc|framework)\\.so\\.2";

/**
 * The native backend: libtensorflow out of the Python wheels (with CUDA where an NVIDIA driver runs) and the binding
 * of tfjs-node compiled against it. When it cannot be built, says why; the library then runs on WebAssembly.
 *
 * @param {string | undefined} compiler
 * @returns {Promise<string>}
 */
export async function buildNative(compiler) {
  const obstacle = findObstacle(compiler);
  if (obstacle !== undefined || compiler === undefined)
    return `left out: ${obstacle}; Posttrain will run on WebAssembly`;
  const variant = hasNvidiaDriver() ? "gpu" : "cpu";
  try {
    return await build(compiler, variant);
  } catch (error) {
    if (variant === "cpu") return leftOut(error);
    try {
      return `${await build(compiler, "cpu")} (the CUDA build failed: ${firstLine(error)})`;
    } catch (second) {
      return leftOut(second);
    }
  }
}

/**
 * @param {string} compiler
 * @param {"gpu" | "cpu"} variant
 */
async function build(compiler, variant) {
  const library = path.join(cache, "native", `tensorflow-${tensorflow}-${variant}`);
  const wanted = fingerprint(variant, tensorflow, readFileSync(bindingSource), process.arch);
  const napi = Math.min(Number(process.versions.napi), 8); // the newest folder name that tfjs-node looks for
  const folder = path.join(tfjs, "lib", `napi-v${napi}`);
  const libraryIsThere = isStamped(library, tensorflow);
  if (libraryIsThere && isStamped(folder, wanted))
    return `up to date (TensorFlow ${tensorflow}, ${variant.toUpperCase()})`;
  if (!libraryIsThere) await fetchLibrary(library, variant);
  linkTo(library);
  await makeWhole(folder, async (temporary) => {
    await compile(compiler, path.join(temporary, "tfjs_binding.node"));
    stamp(temporary, wanted);
  });
  return `built (TensorFlow ${tensorflow}, ${variant.toUpperCase()})`;
}

/**
 * @param {string} library
 * @param {"gpu" | "cpu"} variant
 */
async function fetchLibrary(library, variant) {
  mkdirSync(path.dirname(library), { recursive: true });
  const downloads = `${library}-wheels`;
  rmSync(downloads, { recursive: true, force: true });
  mkdirSync(downloads);
  try {
    const wheels = await downloadWheels(`native-${variant}.txt`, downloads);
    await makeWhole(library, async (folder) => {
      for (const wheel of wheels) {
        // libtensorflow looks for CUDA in ../nvidia/<part>/lib beside its own folder.
        if (path.basename(wheel).startsWith("nvidia_"))
          await extract(wheel, "()nvidia/.*(\\.so.*|libdevice.*|bin/ptxas)", folder);
        else {
          await extract(wheel, libraries, path.join(folder, "lib"));
          await extract(wheel, headers, path.join(folder, "include"));
        }
      }
      for (const part of ["", "_framework"]) {
        symlinkSync(
          `libtensorflow${part || "_cc"}.so.2`,
          path.join(folder, "lib", `libtensorflow${part}.so`),
        );
      }
      stamp(folder, tensorflow);
    });
  } finally {
    rmSync(downloads, { recursive: true, force: true });
  }
}

/** @param {string} library */
function linkTo(library) {
  const link = path.join(tfjs, "deps");
  const temporary = `${link}.partial-${process.pid}`;
  rmSync(temporary, { recursive: true, force: true });
  symlinkSync(library, temporary);
  rmSync(link, { recursive: true, force: true });
  renameSync(temporary, link);
}

/**
 * @param {string} compiler
 * @param {string} output
 */
function compile(compiler, output) {
  const include = [
    path.join(root, "node_modules/node-api-headers/include"),
    path.join(tfjs, "binding"),
    path.join(tfjs, "deps/include"),
  ];
  return run(compiler, [
    ...["-O2", "-fPIC", "-shared", "-std=c++17", "-w"],
    ...["-DNAPI_VERSION=8", "-DNODE_GYP_MODULE_NAME=tfjs_binding", "-DBUILDING_NODE_EXTENSION"],
    ...include.map((folder) => `-I${folder}`),
    bindingSource,
    `-L${path.join(tfjs, "deps/lib")}`,
    ...["-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2", "-Wl,-rpath,$ORIGIN/../../deps/lib"],
    ...["-o", output],
  ]);
}

/** @param {string | undefined} compiler */
function findObstacle(compiler) {
  if (process.platform !== "linux" || process.arch !== "x64")
    return `no library for ${process.platform} ${process.arch}`;
  if (!existsSync(path.join(tfjs, "binding/tfjs_binding.cc")))
    return "npm left out the optional @tensorflow/tfjs-node-gpu";
  if (compiler === undefined) return "no C++ compiler (on Debian and Ubuntu: sudo apt install g++)";
  return undefined;
}

function hasNvidiaDriver() {
  return existsSync("/proc/driver/nvidia/version") || answers("nvidia-smi", ["-L"]) !== undefined;
}

const firstLine = (/** @type {unknown} */ error) =>
  String(error instanceof Error ? error.message : error).split("\n")[0];
const leftOut = (/** @type {unknown} */ error) =>
  `left out: ${firstLine(error)}; Posttrain will run on WebAssembly`;
