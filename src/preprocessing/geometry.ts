/** How a training loader brings a picture to the network's size. */

export type Geometry =
  /** Pillow's nearest, without the aspect ratio: classification. */
  | { readonly kind: 'nearest' }
  /** Bilinear with half-pixel centres and without antialiasing, as OpenCV: the SSD family. */
  | { readonly kind: 'bilinear' }
  /** Keeps the aspect ratio, centred, the rest filled with the picture's own mean: yolo. */
  | { readonly kind: 'letterbox' }
  /** No resize: black is added right and below, then a rectangle of the network's size is cut: detectnet_v2, faster_rcnn. */
  | { readonly kind: 'padCrop'; readonly left: number; readonly top: number }
  /** `enable_auto_resize`: bilinear as in TensorFlow 1, corner against corner. */
  | { readonly kind: 'autoResize' };
