import { type KernelPcaKernel, kernelPca } from '../kernels/index.ts';
import { defineMethod } from './definition.ts';

const KERNELS = ['sigmoid', 'linear', 'rbf', 'poly', 'cosine'] as const satisfies readonly KernelPcaKernel[];

/** The activations' first kernel principal component; the sign makes its largest entry positive. */
export const kpcaCam = defineMethod({
  name: 'kpca-cam',
  title: 'KPCA-CAM',
  family: 'decomposition',
  paper: 'arXiv:2410.00267',
  needs: { activations: true },
  cost: '1F',
  params: {
    kernel: { type: 'string', values: KERNELS, default: 'sigmoid', description: 'kernel function' },
    gamma: { type: 'number', description: "the kernel's scale (default: 1 / channels)" },
  },
  conventions: ['pytorch-grad-cam'],
  relu: true,
  scope: 'layer',
  compute: async ({ activations }, { params, signal }) => ({
    maps: await kernelPca(activations, {
      kernel: params.kernel as KernelPcaKernel,
      gamma: params.gamma as number | undefined,
      signal,
    }),
  }),
});
