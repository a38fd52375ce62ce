#!/usr/bin/env bash
# get-swiftshader.sh FOLDER: SwiftShader, a Vulkan driver in software, out of Debian's Chromium, and the Vulkan loader.
# Prints the path that VK_ICD_FILENAMES needs. (Mesa's lavapipe on Debian 12 is too old for Dawn.)
set -euo pipefail
folder=$(mkdir -p "$1" && cd "$1" && pwd)
if [ ! -e "$folder/vk_swiftshader_icd.json" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  {
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libvulkan1
    (cd "$work" && apt-get download -qq chromium-common && dpkg-deb -x chromium-common_*.deb files)
  } >&2
  cp "$work/files/usr/lib/chromium/libvk_swiftshader.so" "$folder/"
  cp "$work/files/usr/lib/chromium/vk_swiftshader_icd.json" "$folder/.icd.partial"
  mv "$folder/.icd.partial" "$folder/vk_swiftshader_icd.json"
fi
echo "$folder/vk_swiftshader_icd.json"
