# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors of this collection. Their messages contain no secret."""

from __future__ import annotations

import typing as t


class CortexError(Exception):
    """What went wrong, in whole sentences.

    Whoever knows more adds a sentence; they are joined here and nowhere else.

    :param sentences: what was being done, what happened and what to do about it.
    """

    def __init__(self, *sentences: str) -> None:
        super().__init__()
        self.sentences = list(sentences)

    def __str__(self) -> str:
        return " ".join(self.sentences)

    def details(self) -> dict[str, t.Any]:
        """Return what the API said about the error, as return values of a failed task."""
        return {}


class InvalidOptionError(CortexError):
    """An option has a value that cannot work. Nothing was sent."""


class PreflightError(CortexError):
    """PagerDuty could not be asked whether it accepts the token."""


class TokenRejectedError(PreflightError):
    """PagerDuty does not accept the token."""


class NotValidError(CortexError):
    """Cortex says that the stored token is not valid.

    :ivar cause: what the rollback failed with, if it did.
    """

    cause: CortexError | None = None

    def details(self) -> dict[str, t.Any]:
        return self.cause.details() if self.cause else {}


class ConflictError(CortexError):
    """Another client changed the configuration in between."""


class RequestError(CortexError):
    """A request that did not do what it was sent for.

    :param http_status: the HTTP status of the response, if there was one.
    :param request_id: Cortex's identifier of the request.
    :param error_type: Cortex's name of the error, such as ``FORBIDDEN``.
    :param outcome_unknown: the request may or may not have been carried out.
    :param retryable: the same request may succeed later.
    :param retry_after: seconds to wait before that, as the server requested.
    """

    def __init__(
        self,
        *sentences: str,
        http_status: int | None = None,
        request_id: str | None = None,
        error_type: str | None = None,
        outcome_unknown: bool = False,
        retryable: bool = False,
        retry_after: float = 0,
    ) -> None:
        super().__init__(*sentences)
        self.http_status = http_status
        self.request_id = request_id
        self.error_type = error_type
        self.outcome_unknown = outcome_unknown
        self.retryable = retryable
        self.retry_after = retry_after

    def details(self) -> dict[str, t.Any]:
        values = {"http_status": self.http_status, "request_id": self.request_id, "error_type": self.error_type}
        return {name: value for name, value in values.items() if value is not None}


class TransportError(RequestError):
    """No response: the connection, TLS or the timeout failed."""


class ApiError(RequestError):
    """The API responded with an error of its own."""


class NotFoundError(ApiError):
    """The API responded with its own 404: there is no configuration. A 404 of a gateway is not one."""


class UnexpectedResponseError(RequestError):
    """A response that is not one of this API's."""


class DifferentConfigurationError(UnexpectedResponseError):
    """Cortex accepted a write, but responded with another configuration than the one that was sent."""
