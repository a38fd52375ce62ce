let allowed = true;

/** Decides for the whole process whether steps are compiled. */
export function allowCompiling(compile: boolean): void {
  allowed = compile;
}

/** Whether steps are compiled where the backend can. */
export const mayCompile = (): boolean => allowed;
