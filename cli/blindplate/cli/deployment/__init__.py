"""A small deployment on disk: authority, keys, grants, policies and one settings file a process."""

from __future__ import annotations

from blindplate.cli.deployment.create import Deployment, create_deployment
from blindplate.cli.deployment.plan import CameraPlan, ListPlan, Plan, default_plan

__all__ = ["CameraPlan", "Deployment", "ListPlan", "Plan", "create_deployment", "default_plan"]
