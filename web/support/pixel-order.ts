export { orderPixels } from '../../lib/reference/kernels/pixel-order.ts';
