"""Everything that the driver tells of each card: `nvidia-smi -q -x`, and the text of `-q`.

XML (DTD v4 to v13) seen with drivers 418 to 595, text with 352 to 610:

    <?xml version="1.0" ?>
    <!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
    <nvidia_smi_log>
        <driver_version>535.86.05</driver_version>
        <gpu id="00000000:84:00.0">
                <product_name>NVIDIA GeForce RTX 4090</product_name>

Both become the same tree of fields, read by smi_xml and smi_text; smi_gpu knows the fields.
"""

from __future__ import annotations

from typing import Any

from preflight.errors import NotThisKind
from preflight.parsers import smi_text, smi_xml
from preflight.parsers.recording import plain_text
from preflight.parsers.smi_field import number, word
from preflight.parsers.smi_gpu import gpu_facts

KIND = "smi"
EXPECTED = "the output of nvidia-smi -q -x"


def parse(text: str) -> dict[str, Any]:
    """Cards in the tool's order; a value that the tool did not know or could not read is None."""
    text = plain_text(text)
    log = smi_xml.read(text) or smi_text.read(text)
    if log is None:
        raise NotThisKind(EXPECTED)
    gpus = [field for field in log.children if field.name == "gpu"]
    if not gpus and number(log.at("attached_gpus")) != 0:
        raise NotThisKind(EXPECTED)
    return {
        "driver_version": word(log.at("driver_version", "kmd_version")),
        "cuda_version": word(log.at("cuda_version", "cuda_umd_version")),
        "gpus": [gpu_facts(gpu) for gpu in gpus],
    }
