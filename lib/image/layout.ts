/** Order of an image input's axes: pictures, channels last, volumes, or frames that the network sees one by one. */
export type ImageLayout = 'nchw' | 'nhwc' | 'ncdhw' | 'ntchw';
