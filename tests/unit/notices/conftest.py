from tests.unit.lifecycle.conftest import home as home
from tests.unit.lifecycle.conftest import new_job as new_job
from tests.unit.lifecycle.conftest import project as project
