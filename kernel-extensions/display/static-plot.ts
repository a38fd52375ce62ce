export async function figureToPng(_figure: unknown): Promise<Uint8Array> {
  throw new Error("not drawn");
}
