from jobs_app.workspaces import Workspace, get_app_workspace, get_user_workspace

__all__ = ["Workspace", "get_app_workspace", "get_user_workspace"]
