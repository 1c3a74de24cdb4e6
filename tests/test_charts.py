import xml.etree.ElementTree as ET

from audit.charts import chart, figure_svg


def _drawn() -> str:
    with chart(6, 2) as (figure, axes):
        axes.barh(["柔整", "レセプト"], [3, 5])
        axes.set_title("件数 <今月>")
    return figure_svg(figure, '担当別の"件数"')


def test_a_chart_is_one_svg_element_with_text_a_description_and_nothing_from_the_network():
    svg = _drawn()
    root = ET.fromstring(svg)
    assert root.tag.endswith("svg")
    assert root.get("aria-label") == '担当別の"件数"'
    assert "柔整" in "".join(root.itertext())
    assert "href=\"http" not in svg
    assert "<script" not in svg


def test_the_same_figures_give_the_same_bytes():
    assert _drawn() == _drawn()
