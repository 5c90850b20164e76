"""Importing exports of platforms, in bytes a second, against the bare decoding and splitting of the same file."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.place import Place, fresh_place
from benchmarks.table import Row

SIZE = 10_000_000
PINDUODUO = (
    "商品,订单号,订单状态,商品总价(元),邮费(元),店铺优惠折扣(元),平台优惠折扣(元),多多支付立减金额(元),用户实付金额(元),商家实收金额(元),"
    "商品数量(件),发货时间,确认收货时间,商品id,商品规格,样式ID,商家编码-规格维度,商家编码-商品维度,商家备注,售后状态,快递单号,快递公司,订单成交时间",
    "测试纸巾整箱家用实惠装,240301-{n:015d},已发货，待签收,40.00,5.00,4.00,3.00,0.50,37.50,41.00,2,2024-03-02 10:00:00,"
    "\t,500000000001,10包,600000000001,TISSUE-{sku},TISSUE,\t,无售后或售后取消,TEST{n:012d},测试快递,"
    "2024-03-01 10:00:00",
)
DOUYIN = (
    "主订单编号,子订单编号,选购商品,商品规格,商品数量,商品ID,商家编码,商品单价,订单应付金额,运费,平台实际承担优惠金额,商家实际承担优惠金额,"
    "达人实际承担优惠金额,收件人,收件人手机号,省,市,详细地址,订单提交时间,支付完成时间,订单状态,售后状态,发货时间",
    '"\t69{order:017d}","\t70{n:017d}",测试面霜,50g,1,"\t3500000000000000001",CREAM-{sku},100.00,81.00,6.00,8.00,10.50,'
    "6.50,##密文甲##,$$密文乙$$,广东省,广州市,##密文丙##,2024-03-01 20:00:00,2024-03-01 20:00:30,已发货,-,"
    "2024-03-02 09:00:00",
)
EXPORTS = {"pinduoduo-orders": (PINDUODUO, "gb18030"), "douyin-orders": (DOUYIN, "utf-8-sig")}


def measure() -> list[Row]:
    rows = []
    with TemporaryDirectory() as folder, fresh_place() as place:
        for name, ((header, line), encoding) in EXPORTS.items():
            path = Path(folder) / f"{name}.csv"
            _write(path, header, line, encoding)
            size = path.stat().st_size
            ours = _import(place, path, name)
            limit = _split(path, encoding)
            rows.append(
                Row(
                    f"import of {name}, bytes/s",
                    f"{size / ours['seconds']:,.0f} ({ours['rows'] / ours['seconds']:,.0f} rows/s)",
                    f"{size / limit:,.0f} (decoded and split, nothing else)",
                    f"{limit / ours['seconds']:.0%}",
                )
            )
    return rows


def _write(path: Path, header: str, line: str, encoding: str) -> None:
    """A file of about ``SIZE`` bytes: every order new, two hundred SKUs, two lines an order where orders have lines."""
    with path.open("w", encoding=encoding, newline="") as stream:
        stream.write(header + "\r\n")
        for number in range(SIZE // len(line.encode(encoding))):
            stream.write(line.format(n=number, order=number // 2, sku=number % 200) + "\r\n")


def _import(place: Place, path: Path, name: str) -> dict[str, float]:
    command = [sys.executable, "-m", "tongpan", "import", str(path), "--shop", name, "--no-wait", "--json"]
    done = subprocess.run(command, env=place.environment, capture_output=True, text=True, check=True)
    told: dict[str, float] = json.loads(done.stdout)
    if told["accepted"] != told["rows"]:
        raise AssertionError(f"{told['rejected']} of {told['rows']} rows of {name} were rejected")
    return told


def _split(path: Path, encoding: str) -> float:
    started = time.monotonic()
    with path.open(encoding=encoding, newline="") as stream:
        sum(1 for _ in csv.reader(stream))
    return time.monotonic() - started
