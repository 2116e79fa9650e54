"""A wall that import-linter has no kind for: one module may know of the other rooms their ``options`` only."""

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class OnlyOptionsContract(Contract):
    """``module`` imports, from the same root, only itself, errors, runtime, and modules named ``options``."""

    type_name = "only_options"
    module = fields.StringField()

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002, FBT001 - its signature
        """Every direct import of ``module`` and what lies below it."""
        inside = {str(self.module), *graph.find_descendants(str(self.module))}
        root = str(self.module).partition(".")[0]
        strangers = [
            (importer, imported)
            for importer in sorted(inside)
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if imported.startswith(f"{root}.") and not self._is_allowed(imported, inside)
        ]
        return ContractCheck(kept=not strangers, metadata={"strangers": strangers})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Name each import that should not be."""
        for importer, imported in check.metadata["strangers"]:
            output.print_error(f"{importer} is not allowed to import {imported}")

    @staticmethod
    def _is_allowed(imported: str, inside: set[str]) -> bool:
        _, _, rest = imported.partition(".")
        return imported in inside or imported.endswith(".options") or rest.split(".")[0] in {"errors", "runtime"}
