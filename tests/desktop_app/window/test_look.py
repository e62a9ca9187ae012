"""Look and language of the window: themes, translations, zoom, panel, bars and figures."""

from PySide6.QtWidgets import QApplication

from tests.desktop_app.services.qt import wait_until


def test_figures_of_a_generation_are_shown(kit):
    kit.write("Once upon a time")
    kit.generate(" there")
    shown = " ".join(label.text() for label in kit.window.status_line.findChildren(type(kit.window.status_line._speed)))
    assert "84 tokens/s" in shown
    assert "32 / 512" in shown
    assert wait_until(lambda: "5 words" in kit.window.status_line._counts.text(), 3)


def test_panel_choices_reach_the_next_request_and_the_settings(kit):
    panel = kit.window.model_panel
    panel._length_slider.setValue(0)
    panel._heat_slider.setValue(0)
    panel._seed_edit.setText("42")
    kit.write("Once upon a time")
    kit.trigger("continue")
    request = kit.bridge.requests[-1]
    assert (request.max_tokens, request.sampling.temperature, request.sampling.seed) == (16, 0.0, 42)
    kit.settings.save_now()
    assert kit.store.load().max_tokens == 16


def test_themes_switch_live_and_are_remembered(kit):
    kit.trigger("theme_dark")
    assert kit.view.tokens.name == "dark"
    dark = kit.view.grab().toImage().pixelColor(kit.view.width() // 2, 200)
    kit.trigger("theme_light")
    light = kit.view.grab().toImage().pixelColor(kit.view.width() // 2, 200)
    assert dark.name().upper() == "#1C1B1A"
    assert light.name().upper() == "#FBF8F2"
    assert kit.settings.values.theme == "light"


def test_every_text_of_the_window_follows_a_language_change(kit, monkeypatch):
    application = QApplication.instance()
    from PySide6.QtCore import QTranslator

    class Shouting(QTranslator):
        def translate(self, context, source, disambiguation=None, n=-1):
            return source.upper() if "{" not in source and source else ""

        def isEmpty(self):
            return False

    shouting = Shouting(application)
    application.installTranslator(shouting)
    QApplication.processEvents()
    try:
        assert kit.window.top_bar.primary.text() == "CONTINUE"
        assert kit.window.actions_by_name["save"].text() == "&SAVE"
        assert kit.window.model_panel._length_title.text() == "LENGTH"
        assert kit.window.document.name == "UNTITLED"
        assert kit.window.actions_by_name["language_zh"].text() == "简体中文"
    finally:
        application.removeTranslator(shouting)
        QApplication.processEvents()
    assert kit.window.top_bar.primary.text() == "Continue"


def test_language_is_switched_by_its_menu_and_remembered(kit):
    chosen = []
    object.__setattr__(kit.window.services, "set_language", chosen.append)
    kit.trigger("language_zh")
    assert chosen == ["zh"]
    assert kit.settings.values.language == "zh"


def test_zoom_stays_between_its_limits(kit):
    for _ in range(30):
        kit.trigger("zoom_in")
    assert kit.view.font().pointSize() == 28
    for _ in range(30):
        kit.trigger("zoom_out")
    assert kit.view.font().pointSize() == 12
    kit.trigger("zoom_reset")
    assert kit.view.font().pointSize() == 15


def test_the_panel_vanishes_comes_back_and_page_only_hides_all(kit):
    kit.trigger("side_panel")
    assert not kit.window.side_panel.isVisible()
    assert not kit.settings.values.side_panel_visible
    kit.trigger("side_panel")
    assert kit.window.side_panel.isVisible()
    kit.trigger("focus")
    assert not kit.window.top_bar.isVisible()
    assert not kit.window.side_panel.isVisible()
    kit.trigger("focus")
    assert kit.window.top_bar.isVisible()
    assert kit.window.side_panel.isVisible()


def test_a_narrow_window_keeps_its_menus_and_buttons_whole(kit):
    kit.bridge.come_up()
    kit.window.top_bar.set_model("A model with a very long name that nobody can read at once")
    for width in (700, 1280, 700):
        kit.window.resize(width, 500)
        QApplication.processEvents()
        bar = kit.window.top_bar
        assert bar.menu_bar.width() >= bar.menu_bar.sizeHint().width()
        assert bar.primary.geometry().right() < bar.width()
        assert bar.width() == width, "the words make room; the bar does not grow"
    kit.window.resize(560, 500)
    QApplication.processEvents()
    assert kit.window.top_bar.model_text == ""


def test_a_long_message_takes_the_room_of_the_figures_and_gives_it_back(kit):
    line = kit.window.status_line
    line.set_speed(60.0)
    line.set_context(300, 1024)
    line.set_device("CPU")
    kit.window.resize(900, 500)
    QApplication.processEvents()
    assert "tokens" in line.figures_text
    line.say("The engine stopped working and the text is untouched. " * 3)
    assert line.figures_text == ""
    line.clear_message()
    assert "tokens" in line.figures_text
