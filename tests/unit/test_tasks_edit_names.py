"""Names an edit takes away: refused where other files of the workspace use them."""

from __future__ import annotations

import pytest

from aiex_lsp.errors import AnswerError
from tests.edit_rig import edit_rig, fenced, new_text

USES = {
    "shop/cart.py": "def total(prices):\n    return sum(prices)\n",
    "app/main.py": '"""The app."""\n\nfrom shop.cart import total\n\nprint(total([1]))\n',
}
RENAMED = "def sum_up(prices):\n    return sum(prices)\n"


class TestNamesOfOthers:
    async def test_a_name_another_file_uses_is_not_lost_and_the_place_is_told(self, tmp_path):
        async with edit_rig(tmp_path, fenced(RENAMED), files=USES) as rig:
            with pytest.raises(AnswerError) as caught:
                await rig.tasks.refactor(rig.request("shop/cart.py", "total"), rig.heard)
            assert rig.calls == 2
            assert "loses `total`, which is used in app/main.py:3" in str(caught.value)
            assert "Nothing was changed" in str(caught.value)
            assert "`total`, which is used in app/main.py:3" in rig.sent()
            assert caught.value.text == fenced(RENAMED)

    async def test_the_second_try_may_keep_the_old_name(self, tmp_path):
        kept = RENAMED + "\n\ntotal = sum_up\n"
        async with edit_rig(tmp_path, fenced(RENAMED), fenced(kept), files=USES) as rig:
            result = await rig.tasks.refactor(rig.request("shop/cart.py", "total"), rig.heard)
            assert rig.calls == 2
            assert new_text(result).rstrip() == kept.rstrip()

    async def test_an_edit_that_renames_it_everywhere_is_whole(self, tmp_path):
        def block(path, old, new):
            return f"{path}\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n"

        answer = (
            block("shop/cart.py", "def total(prices):", "def sum_up(prices):")
            + block("app/main.py", "from shop.cart import total", "from shop.cart import sum_up")
            + block("app/main.py", "print(total([1]))", "print(sum_up([1]))")
        )
        async with edit_rig(tmp_path, answer, files=USES) as rig:
            result = await rig.tasks.refactor(rig.request("shop/cart.py", "total"), rig.heard)
            assert [new_text(result, at).count("sum_up") for at in (0, 1)] == [1, 2]

    async def test_a_name_nobody_uses_may_be_changed(self, tmp_path):
        files = {**USES, "app/main.py": "total = 1\nprint(total)\n"}
        async with edit_rig(tmp_path, fenced(RENAMED), files=files) as rig:
            request = rig.request("shop/cart.py", "total", options={"instruction": "rename it"})
            assert new_text(await rig.tasks.refactor(request, rig.heard)) == RENAMED
            assert rig.calls == 1

    async def test_a_method_that_was_asked_to_go_may_go_unless_it_is_used(self, tmp_path):
        size = "    def size(self):\n        return 2\n\n"
        without = "class Cart:\n    def total(self):\n        return 1\n\n"
        without += "    def average(self):\n        return 3\n"
        text = without.replace("    def average", f"{size}    def average")
        for number, (instruction, used) in enumerate(
            [("remove size", ""), ("clean up", ""), ("remove size", "Cart().size()\n")]
        ):
            folder = tmp_path / str(number)
            folder.mkdir()
            files = {"cart.py": text, "a.py": f"from cart import Cart\n{used}"}
            async with edit_rig(folder, fenced(without), files=files) as rig:
                options = {"instruction": instruction}
                request = rig.request("cart.py", "Cart", options=options)
                if number == 0:
                    assert new_text(await rig.tasks.refactor(request, rig.heard)) == without
                    continue
                told = "other files may use" if number == 1 else "used in a.py:2"
                with pytest.raises(AnswerError, match=told):
                    await rig.tasks.refactor(request, rig.heard)

    async def test_an_import_that_is_passed_on_stays(self, tmp_path):
        files = {
            "shop/__init__.py": "from .cart import total\nfrom .tax import rate\n",
            "app.py": "from shop import rate\n",
        }
        answer = fenced("from .cart import total\n")
        async with edit_rig(tmp_path, answer, files=files) as rig:
            request = rig.diagnostic("shop/__init__.py", "rate", "`.tax.rate` imported but unused")
            with pytest.raises(AnswerError, match=r"`rate`, which is used in app.py:1"):
                await rig.tasks.fix(request, rig.heard)
