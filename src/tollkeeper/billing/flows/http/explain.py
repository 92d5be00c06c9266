"""Why an invoice comes to what it does."""

from datetime import datetime
from typing import Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from tollkeeper.billing.flows.explaining import ExplainedLine, Explanation
from tollkeeper.billing.flows.service import explain_invoice
from tollkeeper.infra import ActorDep, TxDep

from .access import CustomerQuery, reader
from .amounts import MoneyOut

router = APIRouter(prefix="/billing/invoices", tags=["billing"])


class ExplainedLineOut(BaseModel):
    """One line calculated anew. `kind` is `plan`, `proration`, `usage` or `other`.

    `replayed` and `matches` are null where the line cannot be calculated anew; `note` then says why, and where they
    differ by how much.
    """

    kind: str
    description: str
    period_start: datetime | None
    period_end: datetime | None
    inputs: dict[str, str]
    steps: list[str]
    invoiced: MoneyOut
    replayed: MoneyOut | None
    matches: bool | None
    note: str

    @classmethod
    def of(cls, line: ExplainedLine) -> Self:
        """Show a line."""
        return cls(
            kind=line.kind.value,
            description=line.description,
            period_start=line.period.start if line.period else None,
            period_end=line.period.end if line.period else None,
            inputs=dict(line.inputs),
            steps=list(line.steps),
            invoiced=MoneyOut.of(line.invoiced),
            replayed=MoneyOut.of(line.replayed) if line.replayed else None,
            matches=line.matches,
            note=line.note,
        )


class SumOut(BaseModel):
    """One line of how the amount due comes out of the lines."""

    text: str
    amount: MoneyOut


class ExplanationOut(BaseModel):
    """An invoice explained.

    `adds_up`: lines, discount and tax come to the total. `matches` is false when any line or the sum differs, null when
    none does but not every line could be calculated anew.
    """

    invoice: UUID
    number: str | None
    lines: list[ExplainedLineOut]
    sums: list[SumOut]
    adds_up: bool
    matches: bool | None

    @classmethod
    def of(cls, found: Explanation) -> Self:
        """Show an explanation."""
        return cls(
            invoice=found.invoice.id,
            number=found.invoice.number,
            lines=[ExplainedLineOut.of(line) for line in found.lines],
            sums=[SumOut(text=each.text, amount=MoneyOut.of(each.money)) for each in found.sums],
            adds_up=found.adds_up,
            matches=found.matches,
        )


@router.get("/{invoice_id}/explain")
async def get_explanation(
    invoice_id: UUID, actor: ActorDep, tx: TxDep, customer: CustomerQuery = None
) -> ExplanationOut:
    """Calculate every line of an invoice anew, from prices, seconds and recorded events, and say how it came about."""
    organization = await reader(tx, actor, customer)
    return ExplanationOut.of(await explain_invoice(tx, organization.id, invoice_id))
