from django.db import models


class GivenAnswer(models.Model):
    """What a program was answered to a call with an `Idempotency-Key`: a repeat is told the same and does nothing.

    Kept for 24 hours. Written in the transaction of what the call did.
    """

    pk = models.CompositePrimaryKey("api_key_id", "name_digest")
    # No foreign key: nobody joins here, and keys are never deleted.
    api_key_id = models.BigIntegerField()
    name_digest = models.BinaryField(max_length=32)  # SHA-256 of the Idempotency-Key
    request_digest = models.BinaryField(max_length=32)  # SHA-256 of method, path and body
    status = models.PositiveSmallIntegerField()
    body = models.TextField()
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = (
            # Read by the worker, which forgets old ones.
            models.Index(fields=("recorded_at",), name="given_answer_by_age"),
        )

    def __str__(self) -> str:
        return f"answer to API key {self.api_key_id}"
