/** Pixels of a static picture for every pixel of its figure, so that it stays sharp on dense screens and in print. */
export const PICTURE_SCALE = 2;
