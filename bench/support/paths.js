import { fileURLToPath } from 'node:url';

export const BUNDLED = fileURLToPath(new URL('../../assets/efficientnet-lite0.onnx', import.meta.url));
export const CAT = fileURLToPath(new URL('../../assets/pictures/cat.png', import.meta.url));
export const COFFEE = fileURLToPath(new URL('../../assets/pictures/coffee.jpg', import.meta.url));
export const ROCKET = fileURLToPath(new URL('../../assets/pictures/rocket.jpg', import.meta.url));
