"""Who answers: Label Studio or an oracle, behind the protocol of `base`."""
