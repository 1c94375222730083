import { load } from 'onnx-cam';

export const runtime = 'nodejs';
export const dynamic = 'force-dynamic';

// One model for the process, loaded with the first request.
let explainer;

export async function GET() {
  explainer ??= load('models/model.onnx');
  const { map, status, target } = await (await explainer).explain('models/picture.jpg');
  return Response.json({ label: target.label, status, size: [map.width, map.height] });
}
