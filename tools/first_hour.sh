#!/bin/bash
# The first hour of a newcomer, typed by a script: a fresh clone, a fresh environment, an empty HOME, README and docs only.
#
#     tools/first_hour.sh [DIRECTORY]
#
# First the walk (install, demo, a network of one's own from ONNX to rates on two boards, the CI job), then what newcomers
# stumbled over once, each by the command that shows it. Every line says how long it took; the last one counts.
# Needs Python with venv, git, and the package index. PYTHON names the interpreter.

set -u
root=$(cd "$(dirname "$0")/.." && pwd)
if [ -z "${FIRST_HOUR:-}" ]; then
    place=${1:-$(mktemp -d)}
    mkdir -p "$place/home" || exit 1
    place=$(cd "$place" && pwd)
    pip=$(compgen -e PIP_ | while read -r name; do printf '%s=%s\n' "$name" "${!name}"; done)
    mapfile -t pip <<<"$pip"
    exec env -i PATH=/usr/local/bin:/usr/bin:/bin HOME="$place/home" FIRST_HOUR="$place" PYTHON="${PYTHON:-python3}" \
        ${pip[0]:+"${pip[@]}"} bash "$0"
fi
cd "$FIRST_HOUR" || exit 1
started=$SECONDS
count=0
failed=0

step() { printf '\n%s\n' "$*"; }

# shows STATUS WORDS COMMAND...: the command ends with this status, and every line of WORDS is in what it prints.
shows() {
    local wanted=$1 words=$2 begin status missing='' line
    shift 2
    begin=$(date +%s%N)
    said=$("$@" 2>&1 </dev/null)
    status=$?
    while IFS= read -r line; do
        grep -qF -- "$line" <<<"$said" || missing="$missing [$line]"
    done <<<"$words"
    count=$((count + 1))
    local seconds=$((($(date +%s%N) - begin) / 10000000))
    printf '%3d.%02d s  ' $((seconds / 100)) $((seconds % 100))
    if [ "$status" -eq "$wanted" ] && [ -z "$missing" ]; then
        printf 'ok      %s\n' "$(head -c 150 <<<"$*" | head -1)"
    else
        failed=$((failed + 1))
        printf 'FAILED  %s\nstatus %s (wanted %s), missing:%s\n%s\n' "$*" "$status" "$wanted" "$missing" "$said"
    fi
}

step "README: install, two commands, ten lines"
shows 0 '' git clone --quiet "$root" axemu
shows 0 '' "$PYTHON" -m venv env
PATH=$FIRST_HOUR/env/bin:$PATH
shows 0 '' pip install --quiet --disable-pip-version-check ./axemu
echo "          $(du -sm env/lib | cut -f1) MB, $(pip list 2>/dev/null | tail -n +3 | wc -l) packages with pip itself"
mkdir work && cd work || exit 1
shows 0 'same answer
axrunmodel prints
All of it on one page: build/digits/demo-1.html' axemu demo
sed -n '/^```python/,/^```/p' ../axemu/README.md | grep -v '^```' >ten_lines.py
shows 0 'timing model' env AXEMU_FACES=1 python ten_lines.py
shows 0 '' axemu commands --install

step "A network of one's own: compile, run, evaluate, predict on two boards"
cat >transform.py <<'END'
import numpy as np

def get_preprocess_transform(image):
    return np.asarray(image.convert("L"), np.float32)[None, None] / 255
END
python - <<'END' || exit 1
from pathlib import Path
import numpy as np, onnx
from onnx import TensorProto, helper
from PIL import Image
from axemu.cli import digits

def photos(folder, those):
    for number, (image, label) in enumerate(zip(those.images, those.labels)):
        path = Path(folder, str(label), f"{number:03}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((image[0] * 255).round().astype(np.uint8)).save(path)

photos("photos/calibration", digits.calibration_images())
photos("photos/validation", digits.test_images())
Path("own.onnx").write_bytes(digits.network())
# The same with something for the host to do at both ends: divide by the brightest pixel, and take the best class.
model = onnx.load("own.onnx")
image, logits = model.graph.input[0].name, model.graph.output[0].name
for node in model.graph.node:
    node.input[:] = ["scaled" if name == image else name for name in node.input]
axes = {"axes": [1, 2, 3]} if model.opset_import[0].version < 18 else {}
model.graph.node.insert(0, helper.make_node("Div", [image, "most"], ["scaled"]))
model.graph.node.insert(0, helper.make_node("ReduceMax", [image], ["most"], keepdims=1, **axes))
model.graph.node.append(helper.make_node("ArgMax", [logits], ["digit"], axis=1, keepdims=0))
del model.graph.output[:]
model.graph.output.append(helper.make_tensor_value_info("digit", TensorProto.INT64, [1]))
onnx.save(model, "ends.onnx")
END
shows 0 'SUCCEEDED
model     build/own/compiled_model
speed
on 50 samples, images that calibration did not see
report    build/own/compiled_model/report.html
next      axemu run axrunmodel' axcompile -i own.onnx -o build/own --imageset photos/validation --dataset-len 100 --transform transform.py
shows 0 'system:' bash -c "$(sed -n 's/^next *//p' <<<"$said")"
shows 0 'top-1' axemu eval build/own photos/calibration
shows 0 'FPS' axemu predict build/own --board m2
shows 0 'FPS' axemu predict build/own --board pcie-x4
shows 0 'bound' axemu explain build/own
shows 0 'of 600 correct
total' axemu run --report - ../axemu/examples/quick_start.py build/own/compiled_model/model.json build/digits/test.npz

step "The CI job: docs/how-to/run-in-ci.md, without the installation of axemu"
shows 0 '' axemu examples copy ci
shows 0 '' pip install --quiet --disable-pip-version-check pytest
cd examples/ci || exit 1
while IFS= read -r line; do
    shows 0 '' env GITHUB_OUTPUT=/dev/null bash -e -c "$line"
done < <(python -c '
import yaml
(job,) = yaml.safe_load(open("github-actions.yml"))["jobs"].values()
print(*(line for step in job["steps"] for line in step.get("run", "").splitlines() if not line.startswith("pip ")), sep="\n")')
cd ../.. || exit 1

step "Once a stumble: after compiling"
shows 0 'HOST      2 operators run on the host before the chip: ReduceMax, Div
HOST      1 operators run on the host after the chip: ArgMax
HostPart' axcompile -i ends.onnx -o build/ends --imageset photos/calibration --transform transform.py
cat >raw.py <<'END'
import numpy as np
from axelera.runtime import Context
context = Context()
model = context.load_model("build/ends/compiled_model/model.json")
instance = context.device_connect(None, 1).load_model_instance(model)
instance.run([np.zeros((1, 1, 8, 8), np.float32)], [np.zeros(info.shape, np.int8) for info in model.outputs()])
END
shows 1 'run preprocess_graph.onnx first' python raw.py
shows 1 'nowhere.onnx' axcompile -i nowhere.onnx -o build/again
shows 0 'SUCCEEDED' axcompile -i own.onnx -o build/again --dataset-len 4
shows 0 'SUCCEEDED
4 frames per call' axcompile -i ends.onnx -o build/four --aipu-cores 4 --dataset-len 4
cat >four.py <<'END'
import numpy as np
from axelera.runtime import Context
from axemu.cli import digits
from axemu.host import HostPart
test = digits.test_images()
with Context() as context:
    model = context.load_model("build/four/compiled_model/model.json")
    instance = context.device_connect(None, 4).load_model_instance(model, aipu_cores=4, num_sub_devices=4)
    (found,) = HostPart(model).run(instance, test.images[:4])
    print(found.shape, "shape")
END
shows 0 '(4,) shape' python four.py
echo '{"quantize_dw_channel_wise": true, "save_error_artifact": true}' >conf.json
shows 0 'SUCCEEDED' axcompile -i own.onnx -o build/wise --conf conf.json --dataset-len 4
shows 1 'ONNX_GRAPH_CLEANER_ERROR' axcompile -i nowhere.onnx -o build/saved --conf conf.json
shows 0 'compilation_log.txt' python -m zipfile -l build/saved/error_artifact.zip
shows 0 'was taken' axcompile -i own.onnx -o build/scheme --imageset photos/calibration --transform transform.py --choose-scheme

step "Once a stumble: commands behave alike"
for tool in axemu axcompile axdevice axdownloadmodel axmonitor axrunmodel axzoo; do
    shows 0 'axemu ' "$tool" --version
    shows 0 '--install-completion' "$tool" --help
    shows 2 'No such option' "$tool" --no-such-option
done
shows 130 '' timeout --preserve-status --signal=INT 0.2 axrunmodel build/own/compiled_model --seconds 3000
shows 130 '' timeout --preserve-status --signal=INT 3 axrunmodel build/own/compiled_model --seconds 3000
shows 0 '"board": "m2"' axemu predict ResNet-10T --board M2 --json
shows 2 "did you mean 'm2'" axemu predict resnet10t --board m3
shows 2 'no clock of a core' axemu predict resnet10t --clock 500
shows 2 'no clock of a core' axemu predict resnet10t --clock 0
shows 2 'less than or equal to 4' axemu predict resnet10t --cores 9
shows 2 'prior' axemu calibrate --prior -3
shows 2 'weight' axemu calibrate --weight -5
shows 1 "pip install 'axemu[study]'" axemu calibrate
shows 1 "pip install 'axemu[trace]'" axemu run --trace t.pftrace four.py
shows 1 'compile it: axcompile --input own.onnx' axrunmodel own.onnx
shows 1 'nowhere: ' axrunmodel nowhere
echo '{}' >empty.json
shows 1 "there is no 'figures'" axemu predict resnet10t --calibration empty.json
shows 1 'bord' env AXEMU_EMULATOR='bord = 1' axdevice
shows 0 '' bash -c 'COLUMNS=40 axemu predict resnet10t | cat >narrow.txt; COLUMNS=200 axemu predict resnet10t | cmp - narrow.txt'

step "Once a stumble: programs of others"
cp -r build/own/compiled_model vendors && rm vendors/program.* # what the vendor's compiler writes has no program of ours
shows 1 'compile the ONNX file into a new directory' axrunmodel vendors
shows 1 'load_model' env AXEMU_FACES=1 python -c 'from axelera.runtime import Context, Model; Model("x", Context())'
cat >busy.py <<'END'
from axelera.runtime import Context
first, second = Context(), Context()
first.device_connect(None, 4)
second.device_connect(None, 1)
END
shows 1 'AXEMU_RUNTIME_DIR' axemu run busy.py
printf 'models:\n  one:\n    extra_kwargs:\n      compilation_config: {aipu_cores: 1}\n' >card.yaml
shows 0 'aipu_cores_used = 1' axemu to-toml card.yaml
shows 0 'aipu_cores_used = 1' python ../axemu/tools/json_to_toml_config.py --from-yaml card.yaml
echo 'import axelera.app' >app.py
shows 1 'axemu.app' axemu run app.py
shows 0 '' axdownloadmodel resnet50-imagenet-onnx
shows 0 'system:' axrunmodel build/resnet50-imagenet-onnx/model.json --seconds 0.1

printf '\n%d commands, %d failed, %d s\n' "$count" "$failed" $((SECONDS - started))
[ "$failed" -eq 0 ]
