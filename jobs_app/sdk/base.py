from jobs_app.app_base import AppBase

TethysAppBase = AppBase

__all__ = ["AppBase", "TethysAppBase"]
