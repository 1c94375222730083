declare module 'colormap' {
  /** `nshades` colours [red, green, blue (0..255), alpha (0..1)] from low to high. */
  export default function createColormap(spec: {
    readonly colormap: string;
    readonly nshades: number;
    readonly format: 'rgba';
  }): [red: number, green: number, blue: number, alpha: number][];
}
